// Typing is saved by itself. A moment after it stops, the form is sent to the server as the person's own draft; until the
// server has it, a copy lies in this browser's storage. Nothing of it is ever written to the console.
//
// A copy belongs to one person, one task and one open page ("draft:person:task:page"). What somebody else left here is
// removed unseen.
(() => {
  // The words of the person's language, where their page has brought them; each `%(name)s` becomes what is given.
  const _ = (text, values = {}) => filled(window.gettext ? window.gettext(text) : text, values);
  const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);

  const PREFIX = "draft:";
  const PAUSE = 1000; // after the last key
  const LONGEST = 10000; // while typing goes on
  const RETRIES = [2000, 5000, 15000, 30000, 60000];
  const TYPED = /^(results-|comment)/;

  const startsAs = (user) => PREFIX + encodeURIComponent(user) + ":";
  const copyKeys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
  const newPage = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const cookie = (name) => decodeURIComponent((document.cookie.split(/;\s*/).find((pair) => pair.startsWith(name + "=")) || "").slice(name.length + 1));
  const csrfToken = () => cookie("__Host-csrftoken") || cookie("csrftoken"); // the first over TLS only

  const readCopy = (key) => {
    try {
      const copy = JSON.parse(localStorage.getItem(key));
      return Array.isArray(copy.pairs) ? { key, page: key.slice(key.lastIndexOf(":") + 1), ...copy } : null;
    } catch { return null; }
  };

  // What is the same to a server: line breaks are sent as CR LF, and an empty input says as much as none.
  const essence = (pairs) => JSON.stringify(pairs.filter(([, text]) => text).map(([name, text]) => [name, text.replace(/\r\n?/g, "\n")]));

  const tidy = () => {
    const user = document.body.dataset.user;
    if (user) copyKeys().filter((key) => !key.startsWith(startsAs(user))).forEach((key) => localStorage.removeItem(key));
    const settled = [...document.querySelectorAll("[data-settled]")].map((element) => element.dataset.settled).filter(Boolean);
    copyKeys().filter((key) => settled.some((page) => key.endsWith(":" + page))).forEach((key) => localStorage.removeItem(key));
  };

  class Draft {
    constructor(form) {
      this.form = form;
      this.status = document.getElementById("draft-status");
      this.elsewhere = document.getElementById("draft-elsewhere");
      this.dirtySince = null;
      this.failures = 0;
      this.name(newPage());
    }

    // The name of this open page: the server tells by it what comes from here.
    name(page) {
      this.page = page;
      this.key = startsAs(this.form.elements.username.value) + this.form.dataset.run + ":" + page;
      this.setAll("page", page);
    }

    setAll(name, value) {
      document.querySelectorAll(`input[type=hidden][name="${name}"]`).forEach((input) => { input.value = value; });
    }

    get token() { return this.form.elements.draft.value; }

    pairs() {
      return [...new FormData(this.form)].filter(([name, value]) => TYPED.test(name) && typeof value === "string");
    }

    listen() {
      document.addEventListener("input", (event) => {
        if (event.target.form !== this.form || !TYPED.test(event.target.name) || this.isApplying) return;
        this.remember();
        this.schedule();
      });
      document.addEventListener("submit", (event) => {
        if (event.defaultPrevented || !event.target.elements.page) return;
        // The copy stays until a page says that what it holds has arrived.
        if (this.dirtySince && event.target === this.form) this.remember();
        this.isLeaving = true;
        clearTimeout(this.timer);
        if (this.sending) this.sending.abort();
      });
      document.addEventListener("visibilitychange", () => (document.hidden ? this.flush() : this.retry()));
      window.addEventListener("pagehide", () => this.flush());
      window.addEventListener("focus", () => this.retry());
      window.addEventListener("online", () => this.retry());
      window.addEventListener("pageshow", (event) => {
        if (!event.persisted) return;
        this.isLeaving = false;
        this.name(newPage());
      });
    }

    remember() {
      this.dirtySince ||= Date.now();
      this.status.dataset.state = this.failures ? this.status.dataset.state : "typing";
      const copy = { at: Date.now(), basedOn: this.token, version: this.form.elements.version.value, pairs: this.pairs() };
      try { localStorage.setItem(this.key, JSON.stringify(copy)); } catch { /* storage is full or off: the server is asked all the sooner */ }
    }

    schedule(delay = Math.max(0, Math.min(PAUSE, (this.dirtySince || 0) + LONGEST - Date.now()))) {
      if (this.isLeaving) return;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.send(), delay);
    }

    retry() {
      if (this.failures && this.dirtySince) this.schedule(0);
    }

    flush() {
      if (this.dirtySince && !this.isLeaving && !this.failures && !this.sending) this.send({ keepalive: true });
    }

    async send({ keepalive = false } = {}) {
      clearTimeout(this.timer);
      if (this.sending) return; // it asks again when it is through
      this.sending = new AbortController();
      const body = new FormData(this.form);
      const sent = essence(this.pairs());
      const files = [...body].filter(([, value]) => value instanceof File);
      for (const [name, file] of files) {
        if (!file.size || file.size > this.roomOf(name) || keepalive) body.delete(name);
      }
      const answer = await this.post(body, { keepalive, signal: this.sending.signal });
      this.sending = null;
      if (this.isLeaving) return;
      if (!answer.ok) { this.fail(answer); return; }
      this.succeed(answer, sent, files);
    }

    async post(body, options = {}) {
      body.delete("csrfmiddlewaretoken"); // that of the page may be older than the session
      try {
        const response = await fetch(this.form.dataset.draftUrl, { method: "POST", body, headers: { "X-CSRFToken": csrfToken() }, redirect: "error", ...options });
        return { ok: response.ok, status: response.status, ...(response.ok ? await response.json() : {}) };
      } catch {
        return { ok: false, status: 0 };
      }
    }

    succeed(answer, sent, files) {
      if (this.failures) this.setAll("csrfmiddlewaretoken", csrfToken());
      this.failures = 0;
      this.setAll("draft", answer.saved_at);
      this.attach(answer.files, files);
      if (answer.was_changed_elsewhere) this.elsewhere.hidden = false;
      if (essence(this.pairs().filter(([name]) => !(name.replace(/-kept$/, "") in answer.files))) === essence(JSON.parse(sent).filter(([name]) => !(name.replace(/-kept$/, "") in answer.files)))) {
        this.dirtySince = null;
        localStorage.removeItem(this.key);
        this.say("saved", _("Draft saved %(time)s", { time: answer.time }));
      } else {
        this.dirtySince = null;
        this.remember();
        this.schedule();
      }
    }

    fail({ status }) {
      const words = {
        0: ["offline", _("No connection. What you type is kept in this browser, and saved as soon as there is one.")],
        401: ["signed-out", _("You are signed out. What you type is kept in this browser.")],
        403: ["signed-out", _("Somebody has signed in again since this page was opened. What you type is kept in this browser.")],
        404: ["refused", _("You may not see this task any more. What you type is kept in this browser only: copy what you need.")],
        413: ["refused", _("This is too large to be kept as a draft. Please save your progress.")],
      }[status] || ["offline", _("The server has a problem. What you type is kept in this browser, and saved as soon as it is well again.")];
      this.say(...words);
      if (words[0] === "signed-out") this.status.append(" ", this.link(this.form.dataset.signInUrl, _("Sign in again in another tab")));
      if (words[0] !== "refused") this.schedule(RETRIES[Math.min(this.failures, RETRIES.length - 1)]);
      this.failures += 1;
    }

    link(href, words) {
      return Object.assign(document.createElement("a"), { href, target: "_blank", rel: "noopener", textContent: words });
    }

    // Screen readers hear it when it changes, so it changes only when there is news.
    say(state, words) {
      this.status.dataset.state = state;
      if (this.status.textContent !== words) this.status.textContent = words;
    }

    fileInput(name) {
      return [...this.form.querySelectorAll("input[type=file]")].find((input) => input.name === name);
    }

    roomOf(name) {
      return Number(this.fileInput(name)?.dataset.maxBytes || Infinity);
    }

    // A file that has arrived need not be sent again: the form refers to it from now on.
    attach(kept, files) {
      for (const [name, file] of files) {
        const input = this.fileInput(name);
        if (!kept[name] || !input || input.files[0] !== file) continue;
        input.value = "";
        this.show(input, kept[name]);
        this.isApplying = true;
        input.dispatchEvent(new Event("change", { bubbles: true })); // for form.js
        this.isApplying = false;
      }
    }

    show(input, { kept, name, url }) {
      const box = input.closest(".file") || input.parentElement;
      const hidden = box.querySelector(`input[type=hidden][name="${CSS.escape(input.name)}-kept"]`)
        || box.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name: input.name + "-kept" }));
      hidden.value = kept;
      box.querySelector(".file-kept")?.remove();
      const line = Object.assign(document.createElement("p"), { className: "file-kept" });
      const icon = Object.assign(document.createElement("span"), { className: "icon icon-file" });
      icon.setAttribute("aria-hidden", "true");
      const remove = Object.assign(document.createElement("input"), { type: "checkbox", name: input.name + "-removed", value: "1" });
      remove.setAttribute("form", this.form.id);
      const label = document.createElement("label");
      label.append(remove, " " + _("Remove it"));
      const what = url ? Object.assign(document.createElement("a"), { href: url, textContent: name }) : name;
      const [before, after] = _("%(name)s is attached", { name: "\n" }).split("\n");
      line.append(icon, before, what, after, label);
      box.append(line);
    }

    // Put what a copy holds into the form. False where the form asks for nothing of it any more.
    apply(pairs) {
      const texts = new Map();
      for (const [name, text] of pairs) texts.set(name, [...(texts.get(name) || []), text]);
      const inputs = [...this.form.elements].filter((input) => TYPED.test(input.name) && input.type !== "file");
      const known = new Set(inputs.map((input) => input.name));
      const isWhole = [...texts].every(([name, values]) => known.has(name) || name.endsWith("-kept") || name.endsWith("-removed") || values.every((text) => !text));
      if (!isWhole) return false;
      this.isApplying = true;
      for (const input of inputs) {
        const left = texts.get(input.name) || [];
        if (["radio", "checkbox"].includes(input.type)) input.checked = left.includes(input.value);
        else if (input.type === "select-multiple") [...input.options].forEach((option) => { option.selected = left.includes(option.value); });
        else if (left.length) input.value = left.shift();
        input.dispatchEvent(new Event("input", { bubbles: true }));
        input.dispatchEvent(new Event("change", { bubbles: true }));
      }
      this.isApplying = false;
      return true;
    }

    // What this browser still has of this task, from a page that broke off: the newer of it and the server's draft is
    // shown, the other can be brought back.
    async reconcile() {
      const copies = copyKeys().filter((key) => key.startsWith(this.key.slice(0, -this.page.length)) && key !== this.key)
        .map(readCopy).filter(Boolean).sort((one, other) => other.at - one.at);
      const shown = essence(this.pairs());
      const skew = Number(this.form.dataset.now) * 1000 - Date.now();
      const draftAt = Number(this.form.dataset.draftAt || 0) * 1000;
      for (const [place, copy] of copies.entries()) {
        const isNewer = place === 0 && (copy.basedOn === this.token || copy.at + skew > draftAt);
        if (essence(copy.pairs) === shown) localStorage.removeItem(copy.key);
        else if (isNewer && this.apply(copy.pairs)) this.takeOver(copy);
        else await this.hand(copy, isNewer);
      }
    }

    takeOver(copy) {
      this.setAll("draft", copy.basedOn);
      this.remember();
      localStorage.removeItem(copy.key);
      this.say("typing", _("What you had typed in this browser is back. It is not saved yet."));
      this.schedule(0);
    }

    async hand(copy, isNewer) {
      const body = new FormData();
      for (const [name, text] of copy.pairs) body.append(name, text);
      for (const [name, text] of Object.entries({ username: this.form.elements.username.value, version: copy.version, page: copy.page, draft: copy.basedOn })) body.append(name, text);
      if (!isNewer) body.append("aside", "1");
      if (!(await this.post(body)).ok) return;
      localStorage.removeItem(copy.key);
      if (isNewer) location.reload(); // the form cannot show it, the page can
      else this.elsewhere.hidden = false;
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    try { tidy(); } catch { /* no storage: then nothing lies in it */ }
    const form = document.getElementById("task-form");
    if (!form) return;
    const draft = new Draft(form);
    draft.listen();
    document.getElementById("draft-show")?.addEventListener("click", () => { draft.flush(); location.hash = "draft-states"; location.reload(); });
    const states = document.getElementById("draft-states");
    if (states && location.hash === "#draft-states") states.open = true;
    try { draft.reconcile(); } catch { /* no storage */ }
  });
})();
