// @ts-check
// The playground: one explorer, whatever is brought to it, and what can be taken away. Nothing that is brought leaves the page.
/**
 * @typedef {{bitmap: ImageBitmap, name: string}} Photo
 */
(() => {
  const { course } = window;
  const SIZES = [16, 32, 64, 128, 256];
  const USUAL = 128; // px, the longer side of a photo
  const LARGEST = 40e6; // bytes of a file
  const WRITTEN = 5000; // numbers that the Python writes out
  /** @type {Record<string, number[][]>} */
  const PLANES = {
    "a mean": Array(3).fill(Array(3).fill(Math.fround(1 / 9))),
    "a blur": [
      [0.0625, 0.125, 0.0625],
      [0.125, 0.25, 0.125],
      [0.0625, 0.125, 0.0625],
    ],
    "vertical edges": [
      [-1, 0, 1],
      [-2, 0, 2],
      [-1, 0, 1],
    ],
    "horizontal edges": [
      [-1, -2, -1],
      [0, 0, 0],
      [1, 2, 1],
    ],
    "one cell": [
      [0, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ],
  };
  const MOST_WEIGHTS = 11;

  course.furnish = (mounted) => {
    const { view, model, el, loaded, bookOf } = mounted;
    const { make, update, readTable, weightsOf, cellsOf, familyOf, learns, FAMILIES, KINDS, afterPress } = loaded;
    const widget = /** @type {HTMLElement} */ (el.closest(".course-widget"));
    /** @type {Photo | null} */
    let photo = null;
    const said = make("p", { class: "play-said", role: "status" });
    /** @param {string} words */
    const say = (words) => {
      said.textContent = words;
    };

    // ---- what is pooled

    let brought = 0;
    // Whether this is still what was brought last: a large file takes its time.
    const last = () => {
      const mine = ++brought;
      return () => mine === brought;
    };
    model.on("change:preset", () => model.get("preset") && last());

    /** @param {{shape: number[], dtype: string, values: Float32Array}} input */
    async function show(input) {
      const next = await bookOf(cellsOf(input));
      fitWeights(next.input.shape);
      view.telling = true; // what was pointed at is gone
      view.channel = 0;
      if (view.get("preset")) {
        view.set({ preset: "" });
        view.tell(); // first, or an input by name that is on its way would still come
      }
      model.set("book", next);
    }

    let plane = PLANES["a mean"];
    // The weights of the convolution that is shown, or of the last one: those of a channel, as all have the same.
    const planeNow = () => {
      plane = model.get("weights")?.weight[0] ?? plane;
      return plane;
    };
    /** @param {number[][]} rows */
    const weightsFor = (rows, shape = model.get("book").input.shape) => weightsOf(blockOf(rows), shape);

    // A convolution needs weights for each channel.
    /** @param {number[]} [shape] */
    function fitWeights(shape) {
      if (learns(familyOf(view.get("kinds")))) model.set("weights", weightsFor(planeNow(), shape));
    }
    model.on("change:book", () => {
      if (model.get("weights")?.weight.length !== model.get("book").input.shape[0]) fitWeights();
    });

    // ---- a photo

    /** @type {(file: Blob, name: string) => Promise<void>} */
    async function takeFile(file, name) {
      if (file.size > LARGEST) return say(`${name} has ${Math.round(file.size / 1e6)} MB: at most ${LARGEST / 1e6} can be read.`);
      const isLast = last();
      say(`Reading ${name} …`); // a large one takes seconds
      try {
        const bitmap = await createImageBitmap(file);
        if (isLast()) await takePhoto({ bitmap, name });
      } catch {
        if (isLast()) say(`${name} cannot be read as a picture: JPEG, PNG, GIF, WebP and AVIF can.`);
      }
    }

    /** @param {Photo} taken */
    async function takePhoto(taken) {
      photo = taken;
      update(photoBox, { hidden: false });
      await showPhoto();
    }

    async function showPhoto() {
      if (!photo) return;
      const input = pixelsOf(photo.bitmap, Number(size.value), grey.checked);
      await show(input);
      say(`${photo.name}: ${input.shape.join(" × ")}.`);
    }

    const file = make("input", {
      type: "file",
      accept: "image/*",
      onchange: () => {
        const chosen = file.files?.[0];
        if (chosen) takeFile(chosen, chosen.name);
        file.value = ""; // so that the same one can be chosen again
      },
    });
    const size = make("select", { onchange: showPhoto }, ...SIZES.map((px) => make("option", { value: px, selected: px === USUAL }, `${px} px`)));
    const grey = make("input", { type: "checkbox", onchange: showPhoto });
    const photoBox = make("div", { class: "play-row", hidden: true }, make("label", {}, "Longer side", size), make("label", {}, grey, "grey"));

    // ---- the camera

    const film = make("video", { muted: true, playsinline: true, "aria-label": "What the camera sees" });
    /** @type {MediaStream | undefined} */
    let stream;
    const close = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
      stream = undefined;
      update(cameraBox, { hidden: true });
      camera.focus();
    };
    const shoot = async () => {
      const bitmap = await createImageBitmap(film).catch(() => null);
      close();
      if (!bitmap) return say("The camera has shown nothing yet: open it once more.");
      last();
      await takePhoto({ bitmap, name: "camera.png" });
    };
    const take = make("button", { type: "button", onclick: shoot }, "Take the photo");
    const cameraBox = make(
      "div",
      { class: "play-camera", hidden: true },
      film,
      make("div", { class: "play-row" }, take, make("button", { type: "button", onclick: close }, "Close")),
    );
    let opening = false;
    const open = async () => {
      if (opening || stream) return take.focus(); // one is enough: another would stay on when it is closed
      opening = true;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        film.srcObject = stream;
        update(cameraBox, { hidden: false });
        await film.play();
        take.focus();
      } catch {
        close();
        say("There is no camera here, or this page may not use it: choose a photo in its place.");
      }
      opening = false;
    };
    const camera = make("button", { type: "button", onclick: open, hidden: !navigator.mediaDevices?.getUserMedia }, "Camera");

    // ---- numbers

    const wrong = make("p", { class: "play-wrong", role: "alert", id: "play-wrong", hidden: true });
    const field = make("textarea", { rows: 6, spellcheck: "false", "aria-describedby": "play-wrong", placeholder: "1\t3\t2,5\n4\t6\t1" });
    const useNumbers = () => {
      const { rows, comma, error } = readTable(field.value);
      update(wrong, { hidden: !error, text: error ?? "" });
      field.setAttribute("aria-invalid", `${Boolean(error)}`);
      if (!rows) return field.focus();
      last();
      photo = null;
      update(photoBox, { hidden: true });
      show({ shape: [rows.length, rows[0].length], dtype: "float32", values: Float32Array.from(rows.flat()) });
      say(`Read as ${rows.length} × ${rows[0].length} numbers${comma && `, ${comma}`}.`);
    };
    const numbersBox = make(
      "div",
      { class: "play-numbers", hidden: true, id: "play-numbers" },
      make("label", {}, "Numbers from a spreadsheet, a CSV file or Python", field),
      wrong,
      make("div", { class: "play-row" }, make("button", { type: "button", onclick: useNumbers }, "Pool these numbers")),
    );
    /** @param {boolean} opened */
    const openNumbers = (opened) => {
      update(numbersBox, { hidden: !opened });
      numbers.setAttribute("aria-expanded", `${opened}`);
    };
    const numbers = make(
      "button",
      {
        type: "button",
        "aria-expanded": "false",
        "aria-controls": "play-numbers",
        onclick: () => {
          openNumbers(Boolean(numbersBox.hidden));
          if (!numbersBox.hidden) field.focus();
        },
      },
      "Numbers",
    );

    /** @param {string} text */
    const takeText = (text) => {
      openNumbers(true);
      field.value = text;
      useNumbers();
    };

    /** @param {File} table */
    const takeTable = async (table) => {
      const isLast = last();
      const text = await table.text().catch(() => null); // a folder, or a file that is gone
      if (!isLast()) return;
      if (text === null) say(`${table.name} cannot be read.`);
      else takeText(text);
    };

    // By its type or by its name, as Windows calls a CSV a sheet of Excel.
    /** @param {File} file */
    const isTable = ({ type, name }) => type.startsWith("text/") || (!type.startsWith("image/") && /\.(csv|tsv|txt)$/i.test(name));

    // ---- dropped or pasted anywhere on the page

    /** @type {(data: DataTransfer | null) => boolean} whether there is something in it */
    const takeAny = (data) => {
      const dropped = data?.files[0];
      const text = data?.getData("text/plain");
      if (dropped && dropped.size <= LARGEST && isTable(dropped)) takeTable(dropped);
      else if (dropped) takeFile(dropped, dropped.name);
      else if (text) takeText(text);
      return Boolean(dropped || text);
    };
    /** @param {EventTarget | null} at */
    const types = (at) => at instanceof HTMLTextAreaElement || (at instanceof HTMLInputElement && ["text", "number", "search"].includes(at.type));
    document.addEventListener("paste", (event) => {
      if (!types(event.target) && takeAny(event.clipboardData)) event.preventDefault();
    });
    document.addEventListener("dragover", (event) => {
      if (types(event.target)) return;
      event.preventDefault();
      widget.classList.add("play-over");
    });
    for (const gone of ["dragleave", "drop"]) document.addEventListener(gone, () => widget.classList.remove("play-over"));
    document.addEventListener("drop", (event) => {
      if (types(event.target)) return;
      event.preventDefault(); // the browser would leave the page for it
      takeAny(event.dataTransfer);
    });

    // ---- which kinds, and the weights of a convolution

    const family = make(
      "select",
      { onchange: () => choose(family.value) },
      ...Object.entries(FAMILIES).map(([name, [one, other]]) => make("option", { value: name }, `${KINDS[one].title}, ${KINDS[other].inWords}`)),
    );
    /** @param {string} name */
    const choose = (name, rows = planeNow()) => {
      const kinds = FAMILIES[name];
      const [high, wide] = [rows.length, rows[0].length];
      const learned = { kernel_size: high === wide ? high : [high, wide], stride: 1, padding: 0, weights: weightsFor(rows) };
      view.set({ kinds, kind: kinds[0], ...(learns(name) && learned) });
    };
    const weightsWrong = make("p", { class: "play-wrong", role: "alert", hidden: true });
    const weightsField = make("textarea", { rows: 3, spellcheck: "false", "aria-label": "Weights, row by row" });
    /** @param {number[][]} rows */
    const setPlane = (rows) => choose(/** @type {string} */ (Object.keys(FAMILIES).find(learns)), rows);
    const useWeights = () => {
      const { rows, error } = readTable(weightsField.value);
      const large = rows && Math.max(rows.length, rows[0].length) > MOST_WEIGHTS ? `Weights have at most ${MOST_WEIGHTS} rows and columns.` : "";
      const infinite = rows && !rows.flat().every(Number.isFinite) ? "Weights are finite numbers." : "";
      const why = error || large || infinite || "";
      update(weightsWrong, { hidden: !why, text: why });
      if (rows && !why) setPlane(rows);
    };
    const weights = make(
      "select",
      {
        onchange: () => {
          const rows = PLANES[weights.value];
          if (rows) setPlane(rows);
        },
      },
      ...Object.keys(PLANES).map((name) => make("option", { value: name }, name)),
      make("option", { value: "" }, "typed in"),
    );
    const writePlane = () => {
      const rows = planeNow();
      weights.value = Object.keys(PLANES).find((name) => `${PLANES[name]}` === `${rows}`) ?? "";
      if (document.activeElement === weightsField) return; // somebody types there
      update(weightsWrong, { hidden: true });
      weightsField.value = rows.map((row) => row.map(shortest).join("  ")).join("\n");
    };
    weightsField.addEventListener("change", () => afterPress(useWeights));
    const weightsBox = make("div", { class: "play-row", hidden: true }, make("label", {}, "Weights of", weights), weightsField, weightsWrong);

    // ---- what can be taken away

    const taken = make("span", { role: "status" });
    const address = () => course.share.link(mounted);
    const copyLink = () => {
      const { link, left, error } = address();
      const own = !model.get("preset") && model.get("book") !== mounted.book;
      const carried = photo ? "The photo is in the link: whoever has it sees it." : "Your numbers are in the link: whoever has it sees them.";
      const without = `It goes without ${left}, which is too large for a link${photo ? ": up to 64 px a photo fits" : ""}.`;
      if (error) update(taken, { text: error });
      else course.share.copy(location.href.split("#")[0] + link, taken, left ? without : own ? carried : "");
    };
    /** @type {(blob: Blob, name: string) => void} */
    const download = (blob, name) => {
      const url = URL.createObjectURL(blob);
      make("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
      taken.textContent = `${name}, with its words as alternative text.`;
    };
    /** @param {() => void} work */
    const once = (work) => () => (view.complete ? work() : update(taken, { text: "This is still being pooled: try again in a moment." }));
    const asSvg = () => download(new Blob([loaded.svgOf(view).svg], { type: "image/svg+xml" }), "pooling.svg");
    const asPng = async () => download(await loaded.pngOf(loaded.svgOf(view)), "pooling.png");

    const python = () => {
      const text = loaded.inPythonAll(view, WRITTEN);
      if (!/^\w+\(x\b/m.test(text)) return text;
      const from = photo
        ? `as_image(${JSON.stringify(photo.name)})  # the file itself, where this page shows it smaller`
        : "...  # your numbers: too many to be written here";
      return text.replace(/^(?=\w+\(x\b)/m, `${photo ? "from pooling_course.images import as_image\n" : ""}x = ${from}\n`);
    };
    const frame = () => {
      const { link, error } = address();
      if (error) return `<!-- ${error} -->`;
      const source = new URL(`embed/index.html${link}`, location.href.split("#")[0]).href;
      const title = `Pooling explorer: ${view.shown.map(({ kind, s }) => kind.code(s)).join(" and ")}`;
      /** @param {string} text */
      const quoted = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
      return `<iframe src="${quoted(source)}" title="${quoted(title)}" width="100%" height="${view.root.offsetHeight + 24}" loading="lazy" style="border: 0"></iframe>`;
    };
    /** @type {(summary: string, words: string, text: () => string) => HTMLDetailsElement} */
    const fold = (summary, words, text) => {
      const code = make("code", {});
      const note = make("span", { role: "status" });
      const button = make("button", { type: "button", onclick: () => course.share.copy(text(), note) }, "Copy");
      const body = make("pre", { tabindex: "0", role: "region", "aria-label": summary }, code);
      const whole = make("details", {}, make("summary", {}, summary), make("p", {}, words), body, make("p", {}, button, " ", note));
      const fill = () => {
        if (whole.open && view.complete) update(code, { text: text() });
      };
      whole.addEventListener("toggle", fill);
      fills.push(fill);
      return whole;
    };
    /** @type {(() => void)[]} */
    const fills = [];
    const folds = [
      fold("In Python", "Paste this into a notebook: torch then pools the same.", python),
      fold("In a course page or a blog", "This line embeds the explorer as it stands, in Canvas, Moodle or any page that takes HTML.", frame),
      fold("In words", "What is shown, as the alternative text of a picture.", () => loaded.altOf(view)),
    ];

    // ---- on the page

    const row = make(
      "div",
      { class: "play-row" },
      make("label", {}, "Pooling", family),
      make("label", { class: "play-button" }, file, "Photo"),
      camera,
      numbers,
    );
    const hint = make("p", { class: "play-hint" }, "Or drop or paste a photo or a table anywhere. What you bring stays in this page: it is sent nowhere.");
    widget.before(make("section", { class: "play-panel", "aria-label": "What is pooled" }, row, hint, photoBox, cameraBox, numbersBox, weightsBox, said));
    /** @type {(words: string, onclick: () => void) => HTMLElement} */
    const button = (words, onclick) => make("button", { type: "button", onclick }, words);
    const away = make(
      "div",
      { class: "play-row" },
      button("Copy a link", once(copyLink)),
      button("Download PNG", once(asPng)),
      button("Download SVG", once(asSvg)),
      taken,
    );
    widget.after(make("section", { class: "play-panel", "aria-label": "Take it with you" }, away, ...folds));

    const sync = () => {
      const name = familyOf(view.get("kinds"));
      update(family, { value: name });
      update(weightsBox, { hidden: !learns(name) });
      for (const fill of fills) fill();
    };
    writePlane();
    model.on("change:weights", writePlane); // by an undo, too
    new MutationObserver(sync).observe(view.root, { subtree: true, childList: true, characterData: true });
    sync();
  };

  /** @param {number[][]} rows */
  const blockOf = (rows) => ({ shape: [rows.length, rows[0].length], dtype: "float64", values: Float64Array.from(rows.flat()) });

  // As few digits as the same float32 takes.
  /** @param {number} value */
  function shortest(value) {
    const found = Array.from({ length: 9 }, (_, i) => Number(value.toPrecision(i + 1)));
    return found.find((one) => Math.fround(one) === Math.fround(value)) ?? value;
  }

  // A picture as numbers in 0..1, whole 255ths, as pooling_course.images.as_image reads it: on white, and grey as Pillow weighs it.
  /** @type {(bitmap: ImageBitmap, longer: number, grey: boolean) => {shape: number[], dtype: string, values: Float32Array}} */
  function pixelsOf(bitmap, longer, grey) {
    const by = Math.min(1, longer / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((n) => Math.max(1, Math.round(n * by)));
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    ctx.fillStyle = "#fff";
    ctx.fillRect(0, 0, width, height);
    ctx.imageSmoothingQuality = "high";
    ctx.drawImage(bitmap, 0, 0, width, height);
    const { data } = ctx.getImageData(0, 0, width, height);
    const area = width * height;
    const values = new Float32Array(area * (grey ? 1 : 3));
    for (let i = 0; i < area; i++) {
      const [r, g, b] = data.subarray(4 * i, 4 * i + 3);
      if (grey) values[i] = ((19595 * r + 38470 * g + 7471 * b + 32768) >> 16) / 255;
      else for (const [channel, value] of [r, g, b].entries()) values[channel * area + i] = value / 255;
    }
    return { shape: grey ? [height, width] : [3, height, width], dtype: "float32", values };
  }
})();
