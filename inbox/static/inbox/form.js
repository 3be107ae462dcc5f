// A question that depends on another comes and goes as that one is answered, and a file is measured before it is sent.
// The server decides both again: without this script every question is there, with a word on when it counts.
//
// A question that is not asked is hidden, never emptied: what was typed into it is there again when it comes back.
(() => {
  // The words of the person's language, where their page has brought them; each `%(name)s` becomes what is given.
  const _ = (text, values = {}) => filled(window.gettext ? window.gettext(text) : text, values);
  const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
  const ngettext = (one, several, count, values = {}) => {
    const text = window.ngettext ? window.ngettext(one, several, count) : count === 1 ? one : several;
    return filled(text, { count, ...values });
  };

  document.documentElement.classList.add("is-scripted");

  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const TESTS = {
    equals: (answer, value) => same(answer, value),
    in: (answer, values) => values.some((value) => same(answer, value)),
    contains: (answer, value) => Array.isArray(answer) && answer.some((item) => same(item, value)),
    answered: (answer, expected) => (answer !== undefined) === expected,
  };

  const parsed = (text) => {
    try { return JSON.parse(text); } catch { return undefined; }
  };

  // What a question is answered with by now, as the JSON value that the server would make of it; undefined is no answer.
  const answerOf = (question) => {
    const inputs = [...question.querySelectorAll("input, select, textarea")];
    const file = inputs.find((input) => input.type === "file");
    if (file) return isFileThere(file, inputs) ? true : undefined;
    const boxes = inputs.filter((input) => input.type === "checkbox");
    const ticked = inputs.filter((input) => input.checked && input.value);
    if (boxes.length) return ticked.length ? ticked.map((input) => parsed(input.value)) : undefined;
    if (inputs.some((input) => input.type === "radio")) return ticked.length ? parsed(ticked[0].value) : undefined;
    const [input] = inputs;
    if (!input || !input.value.trim()) return undefined;
    if (input.matches("select, .code")) return parsed(input.value);
    return input.matches(".number-input") ? Number(input.value) : input.value;
  };

  const isFileThere = (file, inputs) => {
    if (file.files.length) return true;
    return inputs.some((input) => input.name.endsWith("-kept")) && !inputs.some((input) => input.type === "checkbox" && input.checked);
  };

  const isMet = (condition, answers) => {
    const [test] = Object.keys(condition).filter((key) => key !== "field");
    const answer = answers(condition.field);
    return test === "answered" || answer !== undefined ? TESTS[test](answer, condition[test]) : false;
  };

  class Form {
    constructor(root) {
      this.root = root;
      this.questions = new Map([...root.querySelectorAll("[data-name]")].map((question) => [question.dataset.name, question]));
      this.conditional = [...this.questions.values()].filter((question) => question.dataset.showIf);
      root.querySelectorAll(".only-if").forEach((words) => { words.hidden = true; });
      root.querySelectorAll("[type=file]").forEach((input) => this.measure(input));
    }

    listen() {
      this.root.addEventListener("input", () => this.show());
      this.root.addEventListener("change", (event) => {
        if (event.target.type === "file") this.measure(event.target);
        this.show();
      });
      this.root.closest("form")?.addEventListener("submit", (event) => this.refuseHalves(event));
      this.show();
    }

    // A question that is itself hidden is not answered, so what depends on it is worked out from the top.
    isAsked(name, below = []) {
      const question = this.questions.get(name);
      if (!question?.dataset.showIf || below.includes(name)) return true;
      const answers = (other) => this.isAsked(other, [...below, name]) && this.questions.has(other) ? answerOf(this.questions.get(other)) : undefined;
      return isMet(JSON.parse(question.dataset.showIf), answers);
    }

    show() {
      for (const question of this.conditional) {
        question.hidden = !this.isAsked(question.dataset.name);
        question.classList.remove("is-hidden-now");
        const theirs = question.nextElementSibling;
        if (theirs?.matches(".theirs")) theirs.hidden = question.hidden;
      }
      if (!this.conditional.length) return;
      for (const heading of this.root.querySelectorAll("legend.section")) {
        const part = heading.parentElement;
        part.hidden = !part.querySelector("[data-name]:not([hidden])");
        const link = this.root.querySelector(`.contents a[href="#${heading.id}"]`);
        if (link) link.parentElement.hidden = part.hidden;
      }
    }

    measure(input) {
      const [file] = input.files;
      let words = input.parentElement.querySelector(".file-chosen");
      if (!words) {
        words = document.createElement("p");
        words.className = "file-chosen";
        words.setAttribute("aria-live", "polite");
        input.after(words);
      }
      const isTooLarge = file && file.size > Number(input.dataset.maxBytes);
      words.classList.toggle("is-refused", Boolean(isTooLarge));
      words.textContent = !file ? "" : isTooLarge ? _("%(size)s: larger than %(most)s, it will be refused.", { size: sizeInWords(file.size), most: sizeInWords(Number(input.dataset.maxBytes)) }) : sizeInWords(file.size);
    }

    // Of a date without its time a browser sends nothing at all, and the server could not tell.
    refuseHalves(event) {
      const half = [...this.root.querySelectorAll("input")].find((input) => input.validity.badInput && !input.closest("[hidden]"));
      this.root.querySelectorAll(".half").forEach((words) => words.remove());
      if (!half) return;
      event.preventDefault();
      event.stopPropagation();
      const words = document.createElement("p");
      words.className = "half";
      words.setAttribute("role", "alert");
      words.textContent = _("This is not complete. Finish it, or clear it.");
      half.before(words);
      half.focus();
    }
  }

  const sizeInWords = (size) => {
    if (size < 1024) return ngettext("%(count)s byte", "%(count)s bytes", size);
    const [unit, name] = size < 1024 * 1024 ? [1024, "KiB"] : [1024 * 1024, "MiB"];
    return `${(size / unit).toFixed(1).replace(/\.0$/, "")} ${name}`;
  };

  const forms = [];
  const begin = (root) => {
    const form = new Form(root);
    form.listen();
    forms.push(form);
  };
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-questions]").forEach(begin));
  // Questions that a script puts into the page later.
  document.addEventListener("questions", (event) => {
    forms.splice(0, forms.length, ...forms.filter((form) => form.root.isConnected));
    begin(event.target);
  });
  // Enter in a part of the page that has a button of its own presses that one, not the first of the form.
  document.addEventListener("keydown", (event) => {
    const part = event.target.closest("[data-enter]");
    if (event.key !== "Enter" || !part || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    part.querySelector(`button[value="${part.dataset.enter}"]`).click();
  });
  // What a browser fills in again when one comes back to the page, it fills in without a word.
  window.addEventListener("pageshow", () => forms.forEach((form) => form.show()));
})();
