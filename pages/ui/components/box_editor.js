/* The box editor of one image: its state, its buttons and its keys. All sizes in image px. */

const OTHER = "\u0000";
const EDITOR_HELP = [
  ["Drag on empty space", "draw a box; with Shift or “Draw” also inside another"],
  ["Drag a box, a handle", "move, resize"],
  ["Tab, Shift + Tab", "next, previous box"],
  ["1 – 9", "class of the box; without one, of the next drawn"],
  ["Arrows", "nudge 1 px, with Shift 10 px"],
  ["Del, Backspace", "delete the box"],
  ["Ctrl + Z", "undo in this image"],
  ["S, Ctrl + S", "save"],
  ["N, P", "save and go to the next, previous image"],
  ["Esc", "let go of the box; again: back to the sheet"],
];
class BoxEditor {
  constructor(place) {
    this.queue = new ActionQueue();
    this.boxes = [];
    this.history = [];
    this.selected = -1;
    this.picture = make("img", { alt: "", draggable: "false" });
    this.canvas = svg("svg", { tabindex: 0, role: "application", preserveAspectRatio: "none" });
    this.stage = make("div", { class: "stage" }, this.picture, this.canvas);
    this.list = make("div", { class: "list", role: "group", "aria-label": "Boxes" });
    this.status = make("div", { class: "words", "aria-live": "polite" });
    this.root = make("div", { class: "root" }, this.toolbar(), this.stage, this.list, this.status);
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.dragging = new Dragging(this);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.stage);
    place.append(this.root);
    this.guard = new AbortController();
    const { signal } = this.guard;
    // whoever turns to anything else on the page has saved; who leaves the page is asked
    document.addEventListener("pointerdown", (event) => this.turnedAway(event), { capture: true, signal });
    document.addEventListener("click", (event) => this.hold(event), { capture: true, signal });
    this.root.addEventListener("focusout", (event) => this.turnedAway({ composedPath: () => [event.relatedTarget] }));
    window.addEventListener("beforeunload", (event) => this.dirty && this.root.isConnected && event.preventDefault(), { signal });
  }

  turnedAway(event) {
    const [first] = event.composedPath();
    if (!this.root.isConnected) return this.guard.abort();
    const away = first && !event.composedPath().includes(this.root) && !this.root.contains(first);
    if (away) this.save("save");
    return away;
  }

  /** A click elsewhere may lead to another page: it waits until the server has the boxes. */
  hold(event) {
    if (!this.turnedAway(event) || !this.queue.waiting.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.held = event.composedPath()[0];
  }

  release() {
    if (!this.held || this.queue.waiting.length) return;
    const target = this.held;
    this.held = null;
    requestAnimationFrame(() => target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, composed: true })));
  }

  toolbar() {
    const button = (words, key, action, more = {}) =>
      make("button", { type: "button", onclick: action, ...more }, words, make("kbd", {}, key));
    this.select = make("select", { "aria-label": "Class", onchange: () => this.chose(this.select.value) });
    this.other = make("input", {
      "aria-label": "New class", placeholder: "new class", maxlength: 64, hidden: true,
      onchange: () => this.named(this.other.value.trim()),
    });
    this.drawButton = make("button", {
      type: "button", "aria-pressed": "false", title: "Draw also inside another box",
      onclick: () => this.drawAnywhere(!this.anywhere),
    }, "Draw");
    this.saveButton = button("Save", "S", () => this.save("save"), { class: "primary" });
    this.deleteButton = button("Delete box", "Del", () => this.remove());
    this.undoButton = button("Undo", "Ctrl Z", () => this.undo());
    this.position = make("span", { class: "words grow" });
    this.leaving = [
      make("button", { type: "button", onclick: () => this.save("close") }, "← Sheet"),
      button("Previous", "P", () => this.save("previous")),
      button("Next", "N", () => this.save("next")),
    ];
    return make("div", { class: "bar", role: "toolbar", "aria-label": "Boxes" }, ...this.leaving,
      this.select, this.other, this.drawButton, this.deleteButton, this.undoButton, this.saveButton,
      this.position, shortcuts(EDITOR_HELP));
  }

  /** Takes the server's view; boxes changed here and not yet saved are kept. */
  update(data, setTriggerValue) {
    this.queue.connect(setTriggerValue, data.done);
    this.release();
    const other = data.image !== this.image, loaded = JSON.stringify(data.boxes);
    if (other || (!this.dirty && loaded !== this.loaded)) {
      this.boxes = data.boxes.map((box) => ({ ...box }));
      this.selected = other ? -1 : Math.min(this.selected, this.boxes.length - 1);
      this.dirty = false;
    }
    if (other) {
      this.history = [];
      this.picture.src = data.src;
      this.canvas.setAttribute("viewBox", `0 0 ${data.width} ${data.height}`);
      this.canvas.setAttribute("aria-label", `Boxes of image ${data.shown}. Shortcuts are listed behind the question mark.`);
      this.stage.style.width = `min(100%, calc((100vh - 15rem) * ${data.width / data.height}))`;
      this.stage.style.aspectRatio = `${data.width} / ${data.height}`;
      if (!this.image) requestAnimationFrame(() => this.root.scrollIntoView({ block: "start" }));
      requestAnimationFrame(() => this.canvas.focus({ preventScroll: true }));
    }
    Object.assign(this, { image: data.image, shown: data.shown, colours: data.colours, loaded, width: data.width, height: data.height });
    this.position.textContent = data.position && `${data.shown} · ${data.position}`;
    for (const way of this.leaving) way.hidden = !data.position;
    if (!this.classes || other) this.classes = [...data.classes];
    for (const name of this.boxes.map((b) => b.class_name).filter((n) => !this.classes.includes(n)))
      this.classes.push(name);
    if (!this.classes.includes(this.drawn)) this.drawn = this.classes[0];
    this.draw();
  }

  // ── what is shown ──────────────────────────────────────────────────────────────────────────

  draw() {
    const px = this.width / (this.stage.clientWidth || this.width);
    this.canvas.classList.toggle("drawing", Boolean(this.anywhere));
    const shapes = [];
    const order = this.boxes.map((_, k) => k).sort((a, b) => area(this.boxes[b]) - area(this.boxes[a]));
    const add = (k) => shapes.push(...boxShapes(this.boxes[k], k, k === this.selected, this.colour(k), this.width, px));
    for (const k of order.filter((k) => k !== this.selected)) add(k);
    const box = this.boxes[this.selected];
    if (box) add(this.selected);
    if (box) shapes.push(...handleShapes(box, px));
    this.canvas.replaceChildren(...shapes);
    this.drawBar();
  }

  drawBar() {
    const box = this.boxes[this.selected];
    const options = this.classes.map((name, k) => make("option", { value: name }, k < 9 ? `${k + 1} ${name}` : name));
    this.select.replaceChildren(...options, make("option", { value: OTHER }, "new class …"));
    this.select.value = this.other.hidden ? (box?.class_name ?? this.drawn) : OTHER;
    this.deleteButton.disabled = !box;
    this.undoButton.disabled = !this.history.length;
    this.saveButton.disabled = !this.dirty;
    this.list.replaceChildren(...this.boxes.map((b, k) => make("button", {
      type: "button", "aria-pressed": String(k === this.selected), style: `--colour: ${this.colour(k)}`,
      onclick: () => { this.choose(k); this.canvas.focus({ preventScroll: true }); },
    }, `${k + 1} ${b.class_name} `, make("i", {}, origin(b)))));
    this.status.textContent = this.said(box);
  }

  said(box) {
    const count = this.boxes.length;
    const size = (b) => `${+(b.x2 - b.x1).toFixed(1)} × ${+(b.y2 - b.y1).toFixed(1)} px`;
    const words = box
      ? `Box ${this.selected + 1} of ${count}: ${box.class_name}, ${origin(box)}, ${size(box)}.`
      : `${count || "No"} box${count === 1 ? "" : "es"}${count ? "" : ". Drag on the image to draw one"}.`;
    return this.dirty ? `${words} Not saved yet.` : words;
  }

  colour(k) {
    return this.colours[this.boxes[k].class_name] ?? NEW_CLASS;
  }

  // ── changes ────────────────────────────────────────────────────────────────────────────────

  remember() {
    this.history.push(JSON.stringify(this.boxes));
    if (this.history.length > 200) this.history.shift();
    this.dirty = true;
  }

  place(k, corners) {
    const [x1, y1, x2, y2] = corners.map((value) => Math.round(value * 100) / 100);
    Object.assign(this.boxes[k], { x1, y1, x2, y2, source: "hand", confidence: 1 });
  }

  choose(k) {
    this.selected = k;
    if (this.boxes[k]) this.drawn = this.boxes[k].class_name;
    this.other.hidden = true;
    this.draw();
  }

  remove() {
    if (!this.boxes[this.selected]) return;
    this.remember();
    this.boxes.splice(this.selected, 1);
    this.choose(Math.min(this.selected, this.boxes.length - 1));
  }

  undo() {
    if (!this.history.length) return;
    this.boxes = JSON.parse(this.history.pop());
    this.dirty = JSON.stringify(this.boxes) !== this.loaded;
    this.choose(Math.min(this.selected, this.boxes.length - 1));
  }

  chose(name) {
    this.other.hidden = name !== OTHER;
    if (name === OTHER) this.other.focus();
    else this.named(name);
  }

  named(name) {
    if (!name) return;
    if (!this.classes.includes(name)) this.classes.push(name);
    const box = this.boxes[this.selected];
    if (box && box.class_name !== name) {
      this.remember();
      Object.assign(box, { class_name: name, source: "hand", confidence: 1 });
    }
    this.drawn = name;
    this.other.value = "";
    this.other.hidden = true;
    this.draw();
    this.canvas.focus({ preventScroll: true });
  }

  nudge(x, y) {
    const box = this.boxes[this.selected];
    if (!box) return;
    this.remember();
    this.move(box, x, y);
    this.draw();
  }

  move(from, x, y) {
    x = within(x, -from.x1, this.width - from.x2);
    y = within(y, -from.y1, this.height - from.y2);
    this.place(this.selected, [from.x1 + x, from.y1 + y, from.x2 + x, from.y2 + y]);
  }

  drawAnywhere(on) {
    this.anywhere = on;
    this.drawButton.setAttribute("aria-pressed", String(on));
    this.draw();
  }

  save(action) {
    const boxes = this.dirty ? this.boxes.map((box) => ({ ...box })) : null;
    if (action === "save" && !boxes) return;
    this.dirty = false;
    this.loaded = JSON.stringify(this.boxes);
    this.queue.push({ action, image: this.image, shown: this.shown, boxes });
    this.drawBar();
  }

  // ── keys ───────────────────────────────────────────────────────────────────────────────────

  tab(event) {
    const next = this.selected + (event.shiftKey ? -1 : 1);
    const inside = event.target === this.canvas && next >= 0 && next < this.boxes.length;
    if (inside) this.choose(next);
    return inside;
  }

  escape() {
    if (this.dragging.held) this.dragging.cancel();
    else if (this.anywhere) this.drawAnywhere(false);
    else if (this.selected >= 0) this.choose(-1);
    else this.save("close");
    return true;
  }

  key(event) {
    if (["INPUT", "SELECT"].includes(event.target.tagName)) return event.stopPropagation();
    const name = event.key.toLowerCase(), by = event.shiftKey ? 10 : 1;
    const does = (action) => { action(); return true; };
    const plain = {
      tab: () => this.tab(event), escape: () => this.escape(),
      delete: () => does(() => this.remove()), backspace: () => does(() => this.remove()),
      arrowleft: () => does(() => this.nudge(-by, 0)), arrowright: () => does(() => this.nudge(by, 0)),
      arrowup: () => does(() => this.nudge(0, -by)), arrowdown: () => does(() => this.nudge(0, by)),
      s: () => does(() => this.save("save")),
      n: () => does(() => this.save("next")), p: () => does(() => this.save("previous")),
    };
    const control = { z: () => does(() => this.undo()), s: plain.s };
    const known = event.ctrlKey || event.metaKey ? control : event.altKey ? {} : plain;
    const number = known === plain && /^[1-9]$/.test(name) ? this.classes[Number(name) - 1] : null;
    const done = number ? does(() => this.named(number)) : known[name]?.();
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  }
}

const editors = new WeakMap();
export default (component) => mounted(BoxEditor, editors, component);
