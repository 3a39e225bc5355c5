// @ts-check
// What was answered on these pages, kept in this browser: one line an answer, as questions/journal.py writes them.
/**
 * @import { Entry, Lesson } from "./types.d.ts"
 * @typedef {Record<string, Entry[]>} Answers by question, the first given first
 */
(() => {
  const KEY = "pooling-course-progress";
  const SURE = 2;
  const { course } = window;
  /** @type {string | null} */
  let unsaved = null; // where a browser keeps nothing, answers last as long as the page

  const kept = () => unsaved ?? localStorage.getItem(KEY) ?? "";

  /** @returns {Entry[]} */
  const read = () => kept().split("\n").flatMap(entriesIn);

  // The entry that a line is; none where it is damaged, or of types that nothing here writes.
  /** @param {string} line */
  function entriesIn(line) {
    try {
      const entry = JSON.parse(line);
      const whole = typeof entry.id === "string" && [0, 1, SURE].includes(entry.confidence) && typeof entry.right === "boolean";
      return whole ? [entry] : [];
    } catch {
      return [];
    }
  }

  /** @param {Entry[]} entries */
  const textOf = (entries) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");

  /** @param {string} text */
  function write(text) {
    try {
      localStorage.setItem(KEY, text);
      unsaved = null;
    } catch {
      unsaved = text;
    }
    show();
  }

  try {
    kept();
  } catch {
    unsaved = "";
  }

  // ---- a question: its earlier answers, graded anew by today's key, and its new ones

  course.keepAnswers = (model, { gradeByKey }) => {
    const { id, kind } = model.get("question");
    const attempts = read()
      .filter((entry) => entry.id === id)
      .flatMap(({ answer, confidence }) => {
        try {
          return [{ answer, confidence, feedback: gradeByKey(kind, model.get("key"), answer, model.get("question")) }];
        } catch {
          return []; // the question has changed since
        }
      });
    if (attempts.length) Object.assign(model.state, { attempts, answering: false });
    model.on("change:attempts", () => {
      const { answer, confidence, feedback, seconds } = model.get("attempts").at(-1);
      const lesson = course.lessons.find(({ questions }) => id in questions)?.name;
      const { right, misconception } = feedback;
      const entry = { v: 1, time: Date.now() / 1000, id, lesson, attempt: model.get("attempts").length, answer, confidence, right, misconception, seconds };
      write(kept() + textOf([entry])); // what cannot be read stays: a later version of this page may have written it
      const words = ended(lesson);
      if (words) feedback.done = words; // before the question is drawn anew
    });
  };

  // A question is done with its answer, a challenge once it is reached.
  /** @type {(id: string, answers: Answers) => boolean} */
  const isDone = (id, answers) => Boolean(answers[id]?.some(({ right }) => right || !isChallenge(id)));

  /** @param {string} id */
  const isChallenge = (id) => id.startsWith("reach-");

  // What to say where no question of a page is left; as questions/journal.py.
  /** @param {string | undefined} name */
  function ended(name) {
    const at = course.lessons.findIndex((lesson) => lesson.name === name);
    const ids = Object.keys(course.lessons[at]?.questions ?? {});
    const answers = byQuestion();
    if (!ids.length || !ids.every((id) => isDone(id, answers))) return "";
    const right = ids.filter((id) => answers[id][0].right).length;
    const after = course.lessons[at + 1]?.title;
    const on = after ? `Next: ${after}; the link is at the end of the page.` : "That was the last one.";
    return `This lesson is done: ${ids.length} of ${ids.length} answered, ${right} right at first. ${on}`;
  }

  // ---- what they come to: the table of progress(), what was folded away until they were given

  /**
   * @template {keyof HTMLElementTagNameMap} Tag
   * @param {Tag} tag
   * @param {Record<string, any>} attributes
   * @param {...(Node | string)} children
   */
  function make(tag, attributes, ...children) {
    const el = Object.assign(document.createElement(tag), attributes);
    el.append(...children);
    return el;
  }

  function byQuestion() {
    /** @type {Answers} */
    const answers = Object.create(null);
    for (const entry of read()) answers[entry.id] = [...(answers[entry.id] ?? []), entry];
    return answers;
  }

  function show() {
    const answers = byQuestion();
    for (const el of document.querySelectorAll("[class*=tag_after-]")) {
      const first = [...el.classList].filter((name) => name.startsWith("tag_after-"));
      const folded = el.matches("details") ? el : el.querySelector("details");
      if (first.every((name) => answers[name.replace("tag_after-", "")])) folded?.setAttribute("open", "");
    }
    for (const el of document.querySelectorAll(".course-progress")) el.replaceChildren(...panel(answers));
    for (const el of document.querySelectorAll(".course-challenges")) el.replaceChildren(ladder(answers));
    for (const list of document.querySelectorAll(".course-path ul")) path(list, answers);
  }

  // The list of lessons as a path: how much of each is done stands before its name.
  /** @type {(list: Element, answers: Answers) => void} */
  function path(list, answers) {
    for (const [i, lesson] of course.lessons.entries()) {
      const asked = Object.keys(lesson.questions);
      const done = asked.filter((id) => isDone(id, answers)).length;
      const [state, mark] = done === 0 ? ["open", ""] : done < asked.length ? ["begun", "◐"] : ["done", "✓"];
      const item = /** @type {HTMLElement | undefined} */ (list.children[i]);
      if (!item) continue;
      item.dataset.state = state;
      item.querySelector(".course-mark")?.remove();
      const words = `${done} of ${asked.length} questions done`;
      if (done) item.prepend(make("span", { className: "course-mark", title: words }, mark, make("span", { className: "course-unseen" }, `${words}: `)));
    }
  }

  /** @param {Answers} answers */
  function panel(answers) {
    /** @param {Lesson} lesson */
    const link = ({ name, title }) => make("a", { href: `${name}.html` }, title);
    /** @type {(tag: "td" | "th", cells: (Node | string)[]) => Node} */
    const row = (tag, cells) => make("tr", {}, ...cells.map((cell) => make(tag, {}, cell)));
    const rows = course.lessons.map((lesson) => {
      const first = Object.keys(lesson.questions)
        .filter((id) => answers[id])
        .map((id) => answers[id][0]);
      const right = first.filter((entry) => entry.right).length;
      const sureAndWrong = first.filter((entry) => !entry.right && entry.confidence === SURE).length;
      return row("td", [link(lesson), `${first.length} of ${Object.keys(lesson.questions).length}`, `${right}`, `${sureAndWrong}`]);
    });
    const head = row("th", ["Lesson", "Answered", "Right at first", "Sure and wrong"]);
    const table = make("table", {}, make("caption", {}, "Your answers so far"), make("thead", {}, head), make("tbody", {}, ...rows));
    return [
      make("div", { className: "course-table", tabIndex: 0, role: "region", ariaLabel: "Your answers so far" }, table),
      make("p", {}, make("b", {}, "Challenges")),
      ladder(answers),
      ...lists(answers, link),
      ...footer(answers),
    ];
  }

  // The challenges, lesson after lesson, and which are reached.
  /** @param {Answers} answers */
  function ladder(answers) {
    const rungs = course.lessons.flatMap(({ name, title, questions }) => {
      const its = Object.entries(questions).filter(([id]) => isChallenge(id));
      const items = its.map(([id, prompt]) => {
        const reached = answers[id]?.some(({ right }) => right);
        const said = make("span", { className: "course-unseen" }, reached ? "Reached: " : "Not reached yet: ");
        const link = make("a", { href: `${name}.html#check-yourself` }, prompt);
        return make("li", { className: reached ? "course-reached" : "" }, said, link);
      });
      return items.length ? [make("p", {}, title), make("ul", {}, ...items)] : [];
    });
    return make("div", { className: "course-ladder" }, ...rungs);
  }

  /** @type {(answers: Answers, link: (lesson: Lesson) => Node) => Node[]} */
  function lists(answers, link) {
    const asked = course.lessons.flatMap((lesson) => Object.entries(lesson.questions).map(([id, prompt]) => ({ lesson, prompt, given: answers[id] })));
    /** @param {{given?: Entry[]}} asked */
    const sure = ({ given }) => given && !given[0].right && given[0].confidence === SURE;
    /** @param {{given?: Entry[]}} asked */
    const unsure = ({ given }) => given?.slice(-1).some(({ right, confidence }) => !right || confidence === 0);
    return [
      { words: "Sure, and wrong", found: asked.filter(sure) },
      { words: "Worth another look: wrong, or a guess", found: asked.filter((q) => unsure(q) && !sure(q)) },
    ]
      .filter(({ found }) => found.length)
      .flatMap(({ words, found }) => [
        make("p", {}, make("b", {}, words)),
        make("ul", {}, ...found.map(({ lesson, prompt }) => make("li", {}, link(lesson), `: ${prompt}`))),
      ]);
  }

  /** @param {Answers} answers */
  function footer(answers) {
    if (unsaved !== null) return [make("p", {}, "This browser keeps nothing for this page: your answers last until you leave it.")];
    if (!Object.keys(answers).length) return [make("p", {}, "Nothing answered yet. What you answer stays in this browser, and is sent nowhere.")];
    const save = make("button", { type: "button", onclick: download }, "Download my answers");
    const clear = make("button", { type: "button", onclick: forget }, "Clear my answers");
    const words =
      'Your answers are in this browser only, and are sent nowhere. In a notebook, import_progress("my-progress.jsonl") takes the downloaded file over.';
    return [make("p", {}, words), make("p", { className: "course-buttons" }, save, clear)];
  }

  function download() {
    const file = new Blob([textOf(read())], { type: "application/jsonl" });
    const url = URL.createObjectURL(file);
    make("a", { href: url, download: "my-progress.jsonl" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  function forget() {
    if (!confirm("Clear every answer of this course that this browser keeps?")) return;
    write("");
    location.reload();
  }

  show();
  addEventListener("storage", ({ key }) => key === KEY && show()); // answered in another tab
})();
