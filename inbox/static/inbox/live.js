// Lists that are live: a small question every few seconds, asked by one page of this browser for all of them, and only
// when something has happened anywhere does a page ask for its list again. What changes is put in without moving what is
// being read: gone rows leave a place behind, new ones scroll the page by their height.
(() => {
  const MOST_OFTEN_WHILE_HIDDEN = 6; // times the pause of a page that is looked at
  const RENEWED_AFTER = 60; // times that pause: how long ago things were, and what time alone changes
  const SLOWEST = 60000; // when the server has a problem
  const MOST_PATIENT = 3; // times the pause, while what happens is not about what this page shows

  const gettext = (text) => (window.gettext ? window.gettext(text) : text);
  const ngettext = (one, many, count) => (window.ngettext ? window.ngettext(one, many, count) : count === 1 ? one : many);
  const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

  // What the page says of itself; another one after htmx has put another page in.
  const live = () => document.getElementById("live");
  const pause = () => Number(live().dataset.seconds) * 1000;
  const notifies = () => document.documentElement.dataset.notices === "on";

  // What is said about all this, in one place which screen readers follow.

  const say = (name, ...parts) => {
    const notes = document.getElementById("live-notes");
    if (!notes || notes.querySelector(`[data-note="${name}"]`)?.textContent === parts.map((part) => part.textContent ?? part).join("")) return;
    unsay(name);
    const note = Object.assign(document.createElement("p"), { className: `live-note live-${name}` });
    note.dataset.note = name;
    note.append(...parts);
    notes.append(note);
  };
  const unsay = (name) => document.querySelector(`#live-notes [data-note="${name}"]`)?.remove();
  const button = (className, words, press) => {
    const made = Object.assign(document.createElement("button"), { type: "button", className });
    made.append(words);
    made.addEventListener("click", press);
    return made;
  };
  const closer = (name) => {
    const made = button("live-close", "×", () => unsay(name));
    made.setAttribute("aria-label", gettext("Close"));
    return made;
  };

  const signedOut = () => say("offline", gettext("You are signed out. What you see may be out of date."));

  // Asking. One page of this browser leads and asks; the others are told what it hears.

  const user = () => document.body.dataset.user || "";
  let channel = null;
  let known = 0; // the newest position that any of them has heard of
  let failures = 0;
  let askedAt = Date.now();
  let timer = null;
  let isLeading = false;
  let isAsking = false;
  let isSignedOut = false;
  let wish = null; // to lead, as soon as nobody else does
  let release = null;

  const wantsToLead = () => Boolean(live()) && !isSignedOut && (!document.hidden || notifies());

  const lead = () => {
    if (isLeading || wish || !wantsToLead()) return;
    if (!navigator.locks) { begin(); return; } // without TLS there are none: each page asks for itself
    wish = new AbortController();
    navigator.locks.request(`live:${user()}`, { signal: wish.signal }, () => new Promise((resolve) => {
      wish = null;
      release = resolve;
      if (wantsToLead()) begin(); else resign();
    })).catch(() => { /* no longer wished */ });
  };

  const begin = () => {
    isLeading = true;
    known = Math.max(known, Number(live().dataset.position));
    schedule();
  };

  const resign = () => {
    clearTimeout(timer);
    isLeading = false;
    wish?.abort();
    wish = null;
    release?.();
    release = null;
  };

  const wait = () => {
    if (failures) return Math.min(SLOWEST, pause() * 2 ** failures);
    return document.hidden ? pause() * MOST_OFTEN_WHILE_HIDDEN : pause();
  };

  const schedule = () => {
    clearTimeout(timer);
    if (isLeading && live()) timer = setTimeout(ask, Math.max(0, askedAt + wait() - Date.now()));
  };

  const ask = async () => {
    if (!isLeading || isAsking || !live()) return;
    isAsking = true;
    const answer = await get(`${live().dataset.url}?after=${known}`, { "X-Live": live().dataset.token });
    isAsking = false;
    askedAt = Date.now();
    if (answer.status === 200) hear((await answer.json()).position);
    else if (answer.status === 204) hear(known);
    else if (answer.status === 401) await renew();
    else fail();
    schedule();
  };

  // Never through the browser's cache: what comes from it is no news.
  const get = async (url, headers = {}) => {
    try {
      const response = await fetch(url, { headers, cache: "no-store", redirect: "manual" });
      return response.type === "opaqueredirect" ? { status: 401 } : response;
    } catch {
      return { status: 0 };
    }
  };

  // The page is older than what proves that somebody signed in has asked for it; they may well be signed in still.
  const renew = async () => {
    const page = live();
    const answer = await get(page.dataset.countsUrl);
    if (answer.status === 200) page.dataset.token = (await answer.json()).token;
    else if (answer.status === 401) leave();
    else fail();
  };

  const leave = () => {
    isSignedOut = true;
    resign();
    signedOut();
  };

  const fail = () => {
    failures += 1;
    if (failures > 1) say("offline", gettext("No connection. What you see may be out of date."));
  };

  const hear = (position) => {
    failures = 0;
    unsay("offline");
    known = Math.max(known, position);
    channel?.postMessage({ position: known });
    document.dispatchEvent(new CustomEvent("live:position", { detail: { position: known, isSeen: !document.hidden } }));
    catchUp();
  };

  const listen = () => {
    if (!window.BroadcastChannel || channel) return;
    channel = new BroadcastChannel(`live:${user()}`);
    channel.onmessage = ({ data }) => {
      if (data.position) { known = Math.max(known, data.position); unsay("offline"); catchUp(); }
      if (!data.isLookedAt || !isLeading) return;
      // Somebody looks at another page: that one leads if this one is hidden, and is told the newest in any case.
      if (document.hidden) { resign(); lead(); } else { askedAt = 0; schedule(); }
    };
  };

  // Catching up with what has happened: the list, or the counts where the page has no list.

  let isCatchingUp = false;
  let isCaughtUpAt = 0;
  let patience = 0; // pauses for which nothing is asked, since what happens is not about this page
  let renewal = null;

  const catchUp = () => {
    const page = live();
    if (!page || document.hidden || isCatchingUp || isSignedOut || known <= Number(page.dataset.position)) return;
    if (Date.now() - isCaughtUpAt < patience * pause() - pause() / 2) return;
    refresh();
  };

  const refresh = async ({ isWhole = false } = {}) => {
    const page = live();
    const list = document.querySelector("#list[data-live]");
    if (!page || isCatchingUp) return;
    isCatchingUp = true;
    const target = known;
    let isNews = null;
    try {
      isNews = await (list ? askForList(page, list, isWhole) : askForCounts(page));
    } finally {
      isCatchingUp = false;
      isCaughtUpAt = Date.now();
    }
    if (isNews === null || page !== live()) return;
    page.dataset.position = Math.max(target, Number(page.dataset.position));
    patience = isNews ? 0 : Math.min(MOST_PATIENT, patience + 1);
    renewLater();
  };

  const rowsShown = (list) => [...list.querySelectorAll(".rows > .row[data-run]")].map((row) => row.dataset.run);

  // True where something was new, null where it could not be asked.
  const askForList = async (page, list, isWhole) => {
    const headers = { "X-Live": "list", "X-Live-Rows": rowsShown(list).join(",") };
    if (!isWhole && page.dataset.etag) headers["If-None-Match"] = page.dataset.etag;
    const answer = await get(location.pathname + location.search, headers);
    if (answer.status === 401) leave();
    if (![200, 304].includes(answer.status)) return null;
    const words = answer.status === 200 ? await answer.text() : "";
    if (page !== live()) return null;
    page.dataset.etag = answer.headers.get("ETag") || "";
    page.dataset.next = answer.headers.get("X-Live-Next") || "";
    page.dataset.token = answer.headers.get("X-Live-Token") || page.dataset.token;
    if (answer.status === 200) putIn(list, new DOMParser().parseFromString(words, "text/html"));
    return answer.status === 200;
  };

  const askForCounts = async (page) => {
    const form = document.getElementById("task-form");
    const answer = await get(page.dataset.countsUrl + (form ? `?run=${form.dataset.run}` : ""));
    if (answer.status === 401) leave();
    if (answer.status !== 200) return null;
    const told = await answer.json();
    if (page !== live()) return null;
    page.dataset.token = told.token;
    setCounts(told.counts);
    if (form && String(told.version) !== form.elements.version.value) tellOfChange();
    return true;
  };

  const tellOfChange = () => {
    const link = Object.assign(document.createElement("a"), { href: location.pathname + location.search, textContent: gettext("Show what changed") });
    const words = document.createElement("span");
    words.append(gettext("Somebody changed this task in the meantime."), " ", link);
    say("changed", words, closer("changed"));
  };

  const renewLater = () => {
    clearTimeout(renewal);
    const page = live();
    if (!page || document.hidden || !document.querySelector("#list[data-live]")) return;
    const next = page.dataset.next ? Number(page.dataset.next) * 1000 : Infinity;
    renewal = setTimeout(() => refresh({ isWhole: true }), Math.min(next, pause() * RENEWED_AFTER));
  };

  // Putting in what has changed.

  const setCounts = (counts) => {
    for (const place of document.querySelectorAll("[data-count]")) {
      const count = counts[place.dataset.count];
      if (count === undefined) continue;
      if (place.textContent !== String(count)) place.textContent = String(count);
    }
  };

  const putIn = (list, fresh) => {
    setCounts(JSON.parse(fresh.getElementById("live-counts").textContent));
    const total = document.getElementById("total");
    if (total) total.textContent = fresh.getElementById("live-total").textContent;
    const freshList = fresh.getElementById("list");
    const rows = list.querySelector(".rows");
    const still = new Set((fresh.getElementById("live-still")?.value || "").split(","));
    let added;
    if (rows) {
      added = merge(rows, [...freshList.querySelectorAll(".rows > .row")], still);
    } else {
      list.replaceChildren(...freshList.childNodes);
      added = [...list.querySelectorAll(".rows > .row")];
      added.forEach(mark);
    }
    window.htmx?.process(list);
    announce(added);
    list.dispatchEvent(new CustomEvent("live:changed", { bubbles: true }));
  };

  const merge = (rows, freshRows, still) => {
    const anchor = anchorOf(rows);
    const before = anchor?.getBoundingClientRect().top;
    const freshIds = new Set(freshRows.map((row) => row.dataset.run));
    for (const row of rows.querySelectorAll(":scope > .row")) {
      if (!freshIds.has(row.dataset.run) && !still.has(row.dataset.run)) retire(row);
    }
    const added = [];
    let place = null;
    for (const fresh of freshRows) {
      const shown = rows.querySelector(`:scope > [data-run="${fresh.dataset.run}"]`);
      if (shown) {
        update(shown, fresh);
      } else {
        if (place) place.after(fresh); else rows.prepend(fresh);
        mark(fresh);
        added.push(fresh);
      }
      place = shown || fresh;
    }
    if (anchor) keep(anchor, before);
    return added;
  };

  // What somebody reads, as far as one can tell: what has the focus, or the pointer, or is the first in sight.
  const anchorOf = (rows) => rows.querySelector(":scope > :focus-within") || rows.querySelector(":scope > :hover")
    || [...rows.children].find((row) => row.getBoundingClientRect().bottom > 0);

  const keep = (anchor, before) => {
    const moved = anchor.getBoundingClientRect().top - before;
    if (Math.abs(moved) < 0.5) return;
    const wanted = window.scrollY + moved;
    const main = document.getElementById("main");
    const isTooShort = wanted > document.documentElement.scrollHeight - window.innerHeight;
    if (isTooShort) main.style.minHeight = `${Math.ceil(wanted + window.innerHeight - main.getBoundingClientRect().top - window.scrollY)}px`;
    window.scrollTo({ top: wanted, behavior: "instant" });
  };

  // The same height without the title: nothing below it moves, and nobody clicks on what is not there.
  const retire = (row) => {
    const hadFocus = row.contains(document.activeElement);
    row.style.height = `${row.getBoundingClientRect().height}px`;
    row.className = "gone";
    row.tabIndex = -1;
    row.replaceChildren(gettext("No longer here"));
    if (hadFocus) row.focus({ preventScroll: true });
  };

  const FOCUSABLE = "a[href], button, input, summary, [tabindex]";

  const update = (row, fresh) => {
    const isSame = row.dataset.version === fresh.dataset.version && row.classList.contains("is-overdue") === fresh.classList.contains("is-overdue");
    if (isSame && row.matches(".row")) { updateTimes(row, fresh); return; }
    const focused = [...row.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    const hadFocus = row.contains(document.activeElement);
    const isChecked = row.querySelector("input[name=run]")?.checked;
    row.className = fresh.className;
    row.dataset.version = fresh.dataset.version;
    row.removeAttribute("tabindex");
    row.style.height = "";
    row.replaceChildren(...fresh.childNodes);
    if (isChecked) row.querySelector("input[name=run]").checked = true;
    if (hadFocus) ([...row.querySelectorAll(FOCUSABLE)][focused] || row.querySelector("a"))?.focus({ preventScroll: true });
  };

  const updateTimes = (row, fresh) => {
    const times = [...fresh.querySelectorAll("time")];
    [...row.querySelectorAll("time")].forEach((time, place) => {
      if (times[place] && time.textContent !== times[place].textContent) time.textContent = times[place].textContent;
    });
  };

  const mark = (row) => {
    row.classList.add("is-new");
    row.addEventListener("animationend", () => row.classList.remove("is-new"), { once: true });
  };

  const announce = (added) => {
    if (!added.length) return;
    const words = filled(ngettext("%(count)s new task", "%(count)s new tasks", added.length), { count: added.length });
    const isAbove = added.some((row) => row.getBoundingClientRect().bottom <= 0);
    unsay("new");
    say("new", isAbove ? button("live-up", words, () => goTo(added[0])) : words);
    document.querySelector('[data-note="new"]').classList.toggle("unseen", !isAbove);
  };

  const goTo = (row) => {
    unsay("new");
    row.scrollIntoView({ block: "center", behavior: "instant" });
    row.querySelector("a")?.focus({ preventScroll: true });
  };

  // When to do all that.

  const wakeUp = () => {
    if (document.hidden) {
      clearTimeout(renewal);
      resign();
      lead(); // where notifications are wanted
      return;
    }
    askedAt = 0;
    isSignedOut = false; // perhaps one has signed in again on another page
    channel?.postMessage({ isLookedAt: true });
    if (isLeading) schedule(); else lead();
    catchUp();
    renewLater();
  };

  const begun = () => {
    if (!live()) return;
    listen();
    lead();
    renewLater();
  };

  document.addEventListener("DOMContentLoaded", begun);
  document.addEventListener("htmx:afterSettle", begun);
  document.addEventListener("visibilitychange", wakeUp);
  document.addEventListener("notices:changed", lead);
  window.addEventListener("online", () => { if (live()) wakeUp(); });
  window.addEventListener("scroll", () => {
    const note = document.querySelector('[data-note="new"]');
    const row = note && document.querySelector(".row.is-new");
    if (row && row.getBoundingClientRect().bottom > 0) note.classList.add("unseen");
  }, { passive: true });
  window.addEventListener("pagehide", () => {
    resign();
    channel?.close();
    channel = null;
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted || !live()) return;
    listen();
    wakeUp();
  });
})();
