// What is typed into a task survives a reload or a step to another page: it lies in this tab's own storage, until it is
// sent (then the server takes care of it), the task changes, or somebody signs in.
(() => {
  const PREFIX = "draft:";

  const start = () => {
    const form = document.getElementById("task-form");
    if (!form) return clear();
    const key = PREFIX + form.elements.username.value + ":" + form.dataset.run;
    const typed = () => [...form.elements].filter((input) =>
      /^(results-|comment)/.test(input.name) && !["hidden", "file"].includes(input.type));
    const isChoice = (input) => ["radio", "checkbox"].includes(input.type);
    const identity = (input) => input.name + (isChoice(input) ? "=" + input.value : "");

    const stored = JSON.parse(sessionStorage.getItem(key) || "null");
    if (stored && stored.version === form.dataset.version) {
      for (const input of typed()) {
        const value = stored.values[identity(input)];
        if (value === undefined) continue;
        if (isChoice(input)) input.checked = value; else input.value = value;
      }
      document.getElementById("draft-notice").hidden = false;
    } else {
      sessionStorage.removeItem(key);
    }

    document.addEventListener("input", (event) => {
      if (event.target.form !== form) return;
      const values = Object.fromEntries(typed().map((input) => [identity(input), isChoice(input) ? input.checked : input.value]));
      try {
        sessionStorage.setItem(key, JSON.stringify({ version: form.dataset.version, values }));
      } catch { /* the storage is full: it was a courtesy */ }
    });
    document.addEventListener("submit", () => sessionStorage.removeItem(key));
  };

  const clear = () => Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX)).forEach((key) => sessionStorage.removeItem(key));

  document.addEventListener("DOMContentLoaded", start);
})();
