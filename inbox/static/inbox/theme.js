// Light or dark as the system says, until somebody chooses; loaded before the page is drawn so that it never flashes.
(() => {
  const root = document.documentElement;
  const chosen = () => {
    try {
      const theme = localStorage.getItem("theme");
      return ["light", "dark"].includes(theme) ? theme : null; // Django's admin says "auto" under the same key
    } catch { return null; }
  };
  if (chosen()) root.dataset.theme = chosen();

  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

  document.addEventListener("click", (event) => {
    if (!event.target.closest("#theme")) return;
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* private mode: for this page only */ }
  });
  const show = () => { const button = document.getElementById("theme"); if (button) button.hidden = false; };
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:load", show);
})();
