// The form of a definition: what is typed is previewed a moment later, and fields are moved up and down.
// The server alone works the preview out. Without this script the Preview button and the numbers of the order do it.
(() => {
  // The words of the person's language, where their page has brought them; each `%(name)s` becomes what is given.
  const _ = (text, values = {}) => written(window.gettext ? window.gettext(text) : text, values);
  const written = (text, values) => text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);

  const QUIET = 400; // milliseconds without a key before the preview is asked for
  const STEP = 10; // between the order of one field and that of the next

  const form = document.querySelector("#usertaskdef_form");
  const preview = document.querySelector("#preview");
  if (!form || !preview) return;
  const status = document.querySelector("#preview-status");
  const group = document.querySelector("#fields-group");

  // The preview

  let timer, asked;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, QUIET);
  };

  const refresh = async () => {
    asked?.abort();
    asked = new AbortController();
    const body = new FormData(form);
    body.set(status.dataset.preview, status.dataset.live);
    try {
      const response = await fetch(location.pathname + location.search, { method: "POST", body, signal: asked.signal });
      if (response.redirected || !response.ok) throw new Error(response.statusText);
      put(new DOMParser().parseFromString(await response.text(), "text/html"));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      preview.classList.add("is-behind");
      say(_("The preview could not be refreshed: the server cannot be reached, or you are signed out. What you typed is still here."));
    }
  };

  const put = (answer) => {
    const part = (name, root) => root.querySelector(`[data-part="${name}"]`);
    const questions = part("form", answer);
    const isForm = questions.childElementCount > 0;
    for (const name of ["problems", "changes"]) part(name, preview).replaceWith(part(name, answer));
    // What is no form yet leaves the one before it to look at.
    preview.classList.toggle("is-behind", !isForm);
    if (isForm) putForm(part("form", preview), questions);
    say(part("problems", preview).dataset.status);
  };

  const putForm = (old, questions) => {
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    keep(old, questions);
    old.replaceWith(questions);
    questions.querySelector("[data-questions]")?.dispatchEvent(new Event("questions", { bubbles: true }));
    if (focused) document.getElementById(focused)?.focus();
  };

  // What was tried out in the preview stays in it, as long as the question does.
  const keep = (old, questions) => {
    for (const input of old.querySelectorAll("[name]")) {
      const same = [...questions.querySelectorAll("[name]")].find((other) => other.name === input.name && other.type === input.type && (!/radio|checkbox/.test(input.type) || other.value === input.value));
      if (!same || input.type === "file" || input.type === "hidden") continue;
      const isTouched = /radio|checkbox/.test(input.type) ? input.checked !== input.defaultChecked : input.value !== (input.defaultValue ?? "") && input.value !== "";
      if (!isTouched) continue;
      if (/radio|checkbox/.test(input.type)) same.checked = input.checked;
      else same.value = input.value;
    }
  };

  const say = (words) => { if (status.textContent !== words) status.textContent = words; };

  // The fields

  const rows = () => [...group.querySelectorAll(".inline-related:not(.empty-form)")];
  const input = (row, part) => row.querySelector(`[name$="-${part}"]`);
  const isFilled = (row) => Boolean(input(row, "name").value);
  const nameOf = (row) => input(row, "display_name").value || input(row, "name").value;

  const title = () => rows().forEach((row) => { row.querySelector(".designer-name").textContent = nameOf(row); });

  const number = () => rows().filter(isFilled).forEach((row, index) => { input(row, "order").value = (index + 1) * STEP; });

  const move = (button) => {
    const row = button.closest(".inline-related");
    const step = Number(button.dataset.move);
    sort();
    const filled = rows().filter(isFilled);
    const place = filled.indexOf(row);
    const other = filled[place + step];
    if (place < 0) return say(_("Give the field a name first."));
    if (!other) return say(step < 0 ? _("%(name)s is the first field.", { name: nameOf(row) }) : _("%(name)s is the last field.", { name: nameOf(row) }));
    if (step < 0) other.before(row);
    else other.after(row);
    number();
    button.focus();
    row.scrollIntoView({ block: "nearest" });
    say(_("%(name)s is number %(place)s of %(count)s now.", { name: nameOf(row), place: place + step + 1, count: filled.length }));
    soon();
  };

  // The numbers that were typed into the order count before a field is moved on. Not sooner: what moves by itself while
  // one types is clicked amiss.
  const sort = () => {
    const order = (row) => input(row, "order").value === "" ? Infinity : Number(input(row, "order").value);
    const inOrder = rows().sort((one, other) => order(one) - order(other) || 0);
    if (inOrder.some((row, index) => row !== rows()[index])) inOrder.forEach((row) => group.querySelector(".empty-form").before(row));
  };

  group.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (button) move(button);
  });
  form.addEventListener("input", () => { title(); soon(); });
  form.addEventListener("change", soon);
  document.addEventListener("formset:added", () => { title(); soon(); });
  document.addEventListener("formset:removed", () => { title(); soon(); });
  // A link to an input that lies in a part that is closed opens it.
  preview.addEventListener("click", (event) => {
    const link = event.target.closest('.designed-problems a[href^="#"]');
    const target = link && document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    target.closest("details")?.setAttribute("open", "");
    target.focus();
  });
  title();
})();
