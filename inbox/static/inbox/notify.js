// A notification of the browser for new tasks, where somebody has asked for it on the page of the mails: only while no
// page of the inbox is in sight, and from one of the open pages alone, which is the one that asks for all (live.js).
(() => {
  const gettext = (text) => (window.gettext ? window.gettext(text) : text);
  const ngettext = (one, many, count) => (window.ngettext ? window.ngettext(one, many, count) : count === 1 ? one : many);
  const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

  const canNotify = "Notification" in window;
  const key = (name) => `${name}:${document.body.dataset.user || ""}`;
  const kept = (name) => {
    try { return localStorage.getItem(key(name)); } catch { return null; }
  };
  const keep = (name, value) => {
    try { localStorage.setItem(key(name), value); } catch { /* no storage: then it is not wanted the next time */ }
  };

  const isWanted = () => kept("notices") === "on";
  const isOn = () => canNotify && isWanted() && Notification.permission === "granted";

  // Up to where somebody has been told, or has looked themselves: nobody is told of anything twice.
  const toldOf = () => Number(kept("notices-told") || NaN);

  const tell = ({ tasks, more, url }) => {
    const count = tasks.length + more;
    if (!count) return;
    const title = count === 1 ? gettext("New task") : filled(ngettext("%(count)s new task", "%(count)s new tasks", count), { count });
    const lines = tasks.map((task) => task.title);
    if (more) lines.push(filled(ngettext("and %(count)s more", "and %(count)s more", more), { count: more }));
    const options = { body: lines.join("\n"), tag: "usertasks", icon: document.getElementById("live").dataset.icon };
    try {
      const notice = new Notification(title, options);
      notice.onclick = () => {
        notice.close();
        window.focus();
        // A task that is open may hold what was typed.
        if (document.getElementById("task-form")) window.open(url); else location.assign(url);
      };
    } catch {
      keep("notices", "off"); // a browser that shows them for service workers alone
      show();
    }
  };

  let isTelling = false;

  const hear = async ({ position, isSeen }) => {
    const told = toldOf();
    if (!isOn() || isTelling) return;
    if (isSeen || Number.isNaN(told)) { keep("notices-told", position); return; }
    if (position <= told) return;
    isTelling = true;
    try {
      const answer = await fetch(`${document.getElementById("live").dataset.arrivalsUrl}?after=${told}`, { cache: "no-store", redirect: "error" });
      if (answer.ok && document.hidden) {
        const arrived = await answer.json();
        keep("notices-told", arrived.position);
        tell(arrived);
      }
    } catch { /* it is asked again */ } finally {
      isTelling = false;
    }
  };

  // The button on the page of the mails.

  const show = () => {
    document.documentElement.dataset.notices = isOn() ? "on" : "off";
    const place = document.getElementById("notices");
    if (!place || !canNotify || !document.getElementById("live")) return;
    place.hidden = false;
    place.querySelector("button").textContent = isOn() ? gettext("Do not tell me in this browser any more") : gettext("Tell me in this browser");
    const isRefused = isWanted() && Notification.permission === "denied";
    place.querySelector(".notices-said").textContent = isRefused ? gettext("This browser does not allow it. You can change that in its settings for this site.")
      : isOn() ? gettext("This browser tells you of new tasks.") : "";
  };

  const change = async () => {
    const isNowWanted = !isOn();
    if (isNowWanted) await Notification.requestPermission();
    keep("notices", isNowWanted ? "on" : "off");
    keep("notices-told", document.getElementById("live").dataset.position);
    show();
    document.dispatchEvent(new CustomEvent("notices:changed"));
  };

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:afterSettle", show);
  document.addEventListener("live:position", (event) => hear(event.detail));
  document.addEventListener("click", (event) => { if (event.target.closest?.("#notices button")) change(); });
})();
