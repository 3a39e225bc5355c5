// Plays a page without Python: node answers.mjs <answers.js and all it needs> <cases>, both ES modules; prints what the explorer hears.
// A case is { state, python, does }: the traits, what the kernel does with a message ("nothing", "closed", or absent where there is
// none), and what happens: ["send", message], ["set", name, value], ["wait"], ["python", name, value].
const [module, cases] = process.argv.slice(2);
const timers = [];
globalThis.setTimeout = (callback) => timers.push(callback);
globalThis.clearTimeout = (timer) => {
  if (timer) timers[timer - 1] = null;
};

const { engineFor } = await import(module);
const { default: asked } = await import(cases);

const decoded = (value) => {
  if (Array.isArray(value)) return value.map(decoded);
  if (!value || typeof value !== "object") return value;
  if ("base64" in value) return new DataView(Uint8Array.from(Buffer.from(value.base64, "base64")).buffer);
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, decoded(held)]));
};
const encoded = (_, value) => {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString("base64") };
  if (value instanceof DataView) return { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  return value;
};

class Model {
  constructor(state, python) {
    Object.assign(this, { state, python, heard: [], sent: [] });
  }
  get = (name) => this.state[name];
  set(name, value) {
    this.state[name] = value;
    this.emit(`change:${name}`);
  }
  save_changes() {}
  on = (name, callback) => this.heard.push([name, callback]);
  off = (name, callback) => (this.heard = this.heard.filter(([n, c]) => n !== name || c !== callback));
  emit(name, ...given) {
    for (const [, callback] of this.heard.filter(([n]) => n === name)) callback(...given);
  }
  send(content) {
    if (this.python === "closed") throw new Error("the comm is closed");
    this.sent.push(content);
  }
}

const found = asked.map(({ state, python, does }) => {
  const model = new Model(decoded(state), python);
  const page = engineFor(model);
  const heard = [];
  for (const name of ["book", "own", "message", "preset", "upstream_mode"]) page.on(`change:${name}`, () => heard.push([name, page.get(name)]));
  page.on("msg:custom", (content, buffers) => heard.push(["have", content, buffers[0]]));
  for (const [what, ...given] of does) {
    if (what === "send") page.send(...given);
    if (what === "set") page.set(...given);
    if (what === "python") model.set(given[0], decoded(given[1]));
    if (what === "wait") for (const callback of timers.splice(0)) callback?.();
    heard.push(["note", page.note]);
  }
  page.leave();
  return { heard, sent: model.sent, left: model.heard.length - 6 };
});
process.stdout.write(JSON.stringify(found, encoded));
