// The keyboard: each key presses a button or follows a link of the page, so that whatever holds for these holds for it.
// What a key does is written in the help that `?` opens (components/shortcuts.html). Single letters do nothing while one
// types, together with Ctrl, Alt or Cmd, or where somebody has switched them off.
(() => {
  const PATIENCE = 1500; // between the two letters of "g m"

  const TYPED_IN = "input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=file]), textarea, select, [contenteditable]";
  const isTypedIn = (element) => element instanceof Element && element.closest(TYPED_IN) !== null;
  const areOn = () => document.body.dataset.shortcuts === "on" && document.getElementById("shortcuts") !== null;

  let first = ""; // the first of two letters
  let firstAt = 0;

  const press = (selector) => {
    const control = document.querySelector(selector);
    control?.click();
    return control !== null;
  };

  const rows = () => [...document.querySelectorAll("#list .rows > .row")];
  const rowOf = (element) => element?.closest?.("#list .rows > .row") || null;
  const titleOf = (row) => row.querySelector("a.row-title");

  // Where one was: the row with the focus, or the one from which a task was opened last.
  const current = () => rowOf(document.activeElement) || rows().find((row) => row.dataset.run === remembered()) || null;
  const remembered = () => {
    try { return sessionStorage.getItem("row"); } catch { return null; }
  };
  const remember = (row) => {
    try { sessionStorage.setItem("row", row.dataset.run); } catch { /* no storage: one begins at the top again */ }
  };

  const move = (step) => {
    const all = rows();
    if (!all.length) return false;
    const at = all.indexOf(current());
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
    titleOf(all[next]).focus();
    all[next].scrollIntoView({ block: "nearest" });
    remember(all[next]);
    return true;
  };

  const open = () => {
    const row = rowOf(document.activeElement);
    if (row) { remember(row); titleOf(row).click(); }
    return row !== null;
  };

  const select = () => {
    const box = rowOf(document.activeElement)?.querySelector("input[name=run]");
    box?.click();
    return Boolean(box);
  };

  const claimInList = () => {
    const row = rowOf(document.activeElement);
    const button = document.querySelector("#many [name=action][value=claim]");
    if (!row || !button) return false;
    if (!document.querySelector("#list input[name=run]:checked")) row.querySelector("input[name=run]").click();
    button.click();
    return true;
  };

  const search = () => {
    const input = document.querySelector(".search input[name=text]");
    if (!input) return false;
    const more = input.closest("details");
    if (more) more.open = true;
    input.focus();
    input.select();
    return true;
  };

  const written = () => document.getElementById("shortcuts").content;

  const help = () => {
    const dialog = document.importNode(written().querySelector("dialog"), true);
    dialog.addEventListener("close", () => dialog.remove());
    // Beside the help is out of it.
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    dialog.showModal();
    return true;
  };

  const IN_A_PAGE = { j: () => move(1), k: () => move(-1), o: open, x: select, "/": search, "?": help };

  const go = (keys) => {
    const line = written().querySelector(`[data-keys="${CSS.escape(keys)}"][data-go]`);
    if (line) location.assign(line.dataset.go);
    return line !== null;
  };

  const follow = (key) => {
    if (first && Date.now() - firstAt < PATIENCE) {
      const keys = `${first} ${key}`;
      first = "";
      return go(keys);
    }
    first = key === "g" ? key : "";
    firstAt = Date.now();
    if (first) return true;
    if (IN_A_PAGE[key]) return IN_A_PAGE[key]();
    if (key === "c" && document.getElementById("list")) return claimInList();
    const line = written().querySelector(`[data-keys="${CSS.escape(key)}"][data-press]`);
    return line !== null && press(line.dataset.press);
  };

  // What is written beside the form has a button of its own, and nothing is completed by what belongs there.
  const finish = (target, withNext) => {
    const comments = target instanceof Element && target.closest(".comments");
    if (comments) return press(target.closest(".edit") ? ".edit [name=action]" : ".comments [name=action][value=add_comment]");
    if (target instanceof Element && target.closest("[data-enter]")) return false;
    return press(`#task-form [name=action][value="${withNext ? "complete:next" : "complete"}"]`);
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey) {
      if (finish(event.target, event.shiftKey)) event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !areOn() || isTypedIn(event.target)) return;
    if (event.key === "Enter") {
      // In a checkbox it would send the form of the selection.
      if (event.target.matches("#list input[name=run]") && open()) event.preventDefault();
      return;
    }
    if (event.key.length === 1 && event.key !== " " && follow(event.key)) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const row = rowOf(event.target);
    if (row && event.target.closest("a.row-title")) remember(row);
  });
})();
