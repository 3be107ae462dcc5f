// Many rows at once: ticks, ranges, how many there are, and that something is being done. Without this script the same
// form works with its plain checkboxes.
(() => {
  const root = document.documentElement;
  root.classList.add("has-many"); // before the page is drawn, so that nothing jumps
  const ngettext = (one, many, count) => (window.ngettext ? window.ngettext(one, many, count) : count === 1 ? one : many);
  const working = () => (window.gettext ? window.gettext("Working…") : "Working…");

  const bar = () => document.getElementById("many");
  const rows = () => [...document.querySelectorAll('input[name="run"][form="many"]')];
  const all = () => document.getElementById("many-all");
  let last = null; // the row that was ticked by hand before

  const show = () => {
    const form = bar();
    if (!form) return;
    const boxes = rows();
    const ticked = boxes.filter((box) => box.checked).length;
    const isAll = Boolean(all() && all().checked);
    const page = document.getElementById("many-page");
    page.checked = boxes.length > 0 && ticked === boxes.length;
    page.indeterminate = ticked > 0 && ticked < boxes.length;
    page.disabled = boxes.length === 0;
    form.classList.toggle("is-on", isAll || ticked > 0);
    const number = isAll ? Number(all().dataset.total) : ticked;
    const text = number ? ngettext("%(count)s selected", "%(count)s selected", number).replace("%(count)s", number) : "";
    const count = form.querySelector(".many-count");
    if (count.textContent !== text) count.textContent = text;
    form.querySelector(".many-deeds").dataset.count = text;
  };

  const tick = (boxes, isTicked) => boxes.forEach((box) => { box.checked = isTicked; });

  // From the row before to this one, all as this one.
  const range = (box) => {
    const boxes = rows();
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    if (from >= 0) tick(boxes.slice(from, to + 1), box.checked);
  };

  document.addEventListener("click", (event) => {
    const box = event.target.closest?.('input[name="run"][form="many"]');
    if (!box) return;
    if (event.shiftKey && last && last !== box && last.isConnected) range(box);
    last = box;
    show();
  });

  document.addEventListener("change", (event) => {
    const { id, form, name, checked } = event.target;
    if (id === "many-page") {
      tick(rows(), checked);
      if (all() && !checked) all().checked = false;
    } else if (id === "many-all") {
      tick(rows(), checked);
    } else if (name === "run" && form?.id === "many") {
      if (all() && !checked) all().checked = false;
    } else {
      return;
    }
    show();
  });

  // Rows come and go while the list is live; those that stay keep their ticks.
  const watcher = new MutationObserver(show);
  const watch = () => {
    watcher.disconnect();
    const list = document.getElementById("list");
    if (list) watcher.observe(list, { childList: true, subtree: true });
    show();
  };

  // A change of hundreds takes a second or two: it is sent once, and says that it is under way.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("[data-working]")) return;
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    const pressed = event.submitter;
    setTimeout(() => { // what is disabled would not be sent
      form.querySelectorAll("button").forEach((button) => { button.disabled = true; });
      if (pressed) {
        pressed.dataset.words = pressed.textContent;
        pressed.textContent = working();
      }
    });
  });

  // Who comes back by the browser's own button finds the page as it was before it was sent.
  const rest = () => {
    document.querySelectorAll('[data-working][aria-busy="true"]').forEach((form) => {
      form.removeAttribute("aria-busy");
      form.querySelectorAll("button").forEach((button) => {
        button.disabled = false;
        if (button.dataset.words) button.textContent = button.dataset.words;
      });
    });
    watch();
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watch);
  else watch();
  document.addEventListener("htmx:load", watch);
  window.addEventListener("pageshow", rest);
})();
