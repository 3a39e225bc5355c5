// Put into the page by latency.py, before anything else: times one step, from key press to painted picture.
(() => {
  const idle = () => {};
  let drawn = idle; // told of every canvas that is drawn on

  for (const name of ["clearRect", "drawImage"]) {
    const own = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...given) {
      drawn(this.canvas);
      return own.apply(this, given);
    };
  }

  // The event loop comes back to a task posted in a frame callback when that frame has been laid out and painted.
  const painted = () =>
    new Promise((done) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        const frame = performance.now();
        port1.onmessage = () => done({ frame, end: performance.now() });
        port2.postMessage(0);
      }),
    );
  const REST = 150; // ms
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  const hash = (text) => {
    let h = 0;
    for (let i = 0; i < text.length; i++) h = (Math.imul(h, 31) + text.charCodeAt(i)) | 0;
    return h;
  };
  const shown = (el) => el.getClientRects().length > 0;
  // A name for what is seen.
  const picture = (root) =>
    [
      ...[...root.querySelectorAll("canvas")].filter(shown).map((canvas) => hash(canvas.toDataURL())),
      ...[...root.querySelectorAll("img")].map((img) => hash(img.src)),
    ].join();

  const canvasDrawn = (root) =>
    new Promise((done) => {
      drawn = (canvas) => {
        if (!root.contains(canvas)) return;
        drawn = idle;
        done();
      };
    });

  const imageShown = (root) =>
    new Promise((done) => {
      const before = root.querySelector("img")?.src;
      const observer = new MutationObserver(() => {
        const img = root.querySelector("img");
        if (!img || img.src === before) return;
        observer.disconnect();
        img.decode().then(done);
      });
      observer.observe(root, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
    });

  const presented = new Map(); // key press -> ms to the next frame, as the browser itself has it, in steps of 8 ms
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") presented.set(entry.startTime, entry.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: true });

  let watched = null; // what each frame has cost so far, in ms: from its start until it has been laid out and painted
  const watch = (costs) => {
    if (watched !== costs) return;
    const start = performance.now();
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => costs.push(performance.now() - start);
    port2.postMessage(0);
    requestAnimationFrame(() => watch(costs));
  };

  let step = null;
  window.probe = {
    // Every frame from now on, until `frames` is asked for.
    watch() {
      watched = [];
      const costs = watched;
      requestAnimationFrame(() => watch(costs));
    },
    frames() {
      const found = watched;
      watched = null;
      return found;
    },
    // Ready for one key press on `slider`; `how` a new picture shows: "canvas" or "image".
    async arm(root, slider, how) {
      root.scrollIntoView({ block: "start" });
      slider.setAttribute("data-lm-suppress-shortcuts", "true"); // else JupyterLab takes the arrow keys
      slider.focus({ preventScroll: true });
      await wait(50);
      root.scrollIntoView({ block: "start" });
      await painted();
      const before = picture(root);
      await painted();
      // A learner's page is at rest when a key is pressed; right after a frame, the next one would wait for its turn.
      await wait(REST + Math.random() * 17);
      const pressed = new Promise((done) => window.addEventListener("keydown", (e) => done(e.timeStamp), { capture: true, once: true }));
      const done = pressed
        .then(() => (how === "image" ? imageShown(root) : canvasDrawn(root)))
        .then(async () => {
          const drawn = performance.now(); // a microtask of the drawing: it is done
          return { drawn, ...(await painted()) };
        });
      if (document.activeElement !== slider) throw Error("the slider has no focus");
      step = { root, before, pressed, done };
    },
    // The step just taken; `settle` ms later the picture must still be the one that was timed.
    async read(settle) {
      const { root, before, pressed, done } = step;
      const times = await Promise.race([done, wait(20000)]);
      drawn = idle;
      if (!times) throw Error("no new picture within 20 s");
      const at = picture(root);
      const start = await pressed;
      await wait(settle);
      const after = picture(root);
      if (at === before) throw Error("drawn, but the picture did not change");
      if (at !== after) throw Error("the picture went on changing after it was timed");
      const { drawn: there, frame, end } = times;
      return { ms: end - start, drawn: there - start, waited: frame - there, painted: end - frame, presented: presented.get(start) };
    },
    // How fast anything can be: a bare slider that paints one small canvas.
    floor() {
      const root = document.createElement("div");
      root.id = "floor";
      root.style.cssText = "position: fixed; right: 0; bottom: 0; z-index: 99; background: white";
      root.innerHTML = '<input type="range" min="1" max="5" value="2"><canvas width="8" height="8"></canvas>';
      const [input, canvas] = root.children;
      input.addEventListener("input", () => {
        const ctx = canvas.getContext("2d");
        ctx.clearRect(0, 0, 8, 8);
        ctx.fillRect(0, 0, input.value, 8);
      });
      document.body.append(root);
    },
  };
})();
