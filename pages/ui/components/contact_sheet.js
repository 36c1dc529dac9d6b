/* A contact sheet: look at many images, keep, reject or delete them with the keyboard. */

const MARKS = { kept: "✓ kept", rejected: "✕ rejected", deleted: "– deleted" };
const VERDICT_KEYS = { k: "kept", r: "rejected", d: "deleted", delete: "deleted" };
const HELP = [
  ["Arrows", "move"],
  ["Shift + arrows, Shift + click", "select several"],
  ["A", "select all on this page; again: none"],
  ["K", "keep; again: no verdict"],
  ["R", "reject: stays here, later jobs leave it out"],
  ["D", "delete: leaves this sheet; Undo brings it back"],
  ["Relabel", "another class for boxes of the selected images"],
  ["Tag", "a word to find the selected images by"],
  ["U", "undo the last action, whoever did it"],
  ["Enter", "open in the box editor"],
];

class ContactSheet {
  constructor(place) {
    this.queue = new ActionQueue();
    this.items = [];
    this.chosen = new Set();
    this.cursor = 0;
    this.anchor = 0;
    this.grid = make("div", {
      class: "grid", role: "listbox", "aria-label": "Images", "aria-multiselectable": "true",
    });
    this.bar = make("div", { class: "bar", role: "toolbar", "aria-label": "Decide" });
    this.buttons = {};
    for (const [name, key, words, action] of [
      ["kept", "K", "Keep", () => this.decide("kept")],
      ["rejected", "R", "Reject", () => this.decide("rejected")],
      ["deleted", "D", "Delete", () => this.decide("deleted")],
      ["undo", "U", "Undo", () => this.undo()],
      ["open", "Enter", "Edit boxes", () => this.open()],
      ["all", "A", "All", () => this.all()],
    ]) {
      this.buttons[name] = make("button", { type: "button", onclick: action }, words, make("kbd", {}, key));
      this.bar.append(this.buttons[name]);
    }
    this.status = make("span", { class: "words grow", "aria-live": "polite" });
    this.bar.append(this.relabelling(), this.tagging(), this.status, shortcuts(HELP));
    const root = make("div", { class: "root", onkeydown: (e) => this.key(e) }, this.bar, this.grid);
    place.append(root);
  }

  /** Another class for the boxes of one class in the chosen images, or none. */
  relabelling() {
    this.old = make("select", { "aria-label": "Boxes of class" });
    this.known = make("datalist", { id: "classes" });
    this.new = make("input", { "aria-label": "Become class", list: "classes", maxlength: 64, placeholder: "class" });
    const does = (words, action) => make("button", { type: "button", onclick: action }, words);
    this.relabel = make("details", { class: "help relabel" }, make("summary", {}, "Relabel"),
      make("div", { class: "panel" }, make("span", {}, "Boxes of"), this.old, make("span", {}, "become"), this.new,
        this.known, does("Relabel", () => this.new.value.trim() && this.relabelled(this.new.value.trim())),
        does("Delete these boxes", () => this.relabelled(""))));
    return this.relabel;
  }

  /** A word by which the chosen images are found again. */
  tagging() {
    this.word = make("input", { "aria-label": "Tag", maxlength: 64, placeholder: "none" });
    const act = () => {
      this.sent({ action: "tag", ids: this.targets(), tag: this.word.value.trim() });
      this.tagged.open = false;
    };
    this.tagged = make("details", { class: "help relabel" }, make("summary", {}, "Tag"),
      make("div", { class: "panel" }, this.word, make("button", { type: "button", onclick: act }, "Set tag")));
    return this.tagged;
  }

  relabelled(name) {
    if (this.old.value) this.sent({ action: "relabel", ids: this.targets(), old: this.old.value, new: name });
    this.relabel.open = false;
  }

  sent(action) {
    if (!action.ids.length) return;
    this.queue.push(action);
    this.chosen.clear();
    this.undoWords ||= "the last action";
    this.draw();
  }

  /** Takes the server's view; the cursor stays on its image, or where that image was. */
  update(data, setTriggerValue) {
    this.queue.connect(setTriggerValue, data.done);
    const first = !this.items.length, at = first ? data.at : this.items[this.cursor].id;
    this.items = data.items.map((item) => ({ ...item }));
    const option = (name) => make("option", { value: name }, name), before = this.old.value;
    this.old.replaceChildren(...data.classes.map(option));
    if (data.classes.includes(before)) this.old.value = before;
    this.known.replaceChildren(...[...new Set([...data.classes, ...data.known])].map(option));
    this.relabel.hidden = !data.classes.length;
    for (const action of this.queue.waiting) this.foresee(action);
    const ids = this.items.map((item) => item.id);
    this.chosen = new Set([...this.chosen].filter((id) => ids.includes(id)));
    const found = ids.indexOf(at);
    this.cursor = Math.max(0, found >= 0 ? found : Math.min(this.cursor, ids.length - 1));
    // what is still on its way can be undone too, though the server cannot name it yet
    this.undoWords = data.undo || (this.queue.waiting.length ? "the last action" : "");
    this.draw();
    if (first && found >= 0) requestAnimationFrame(() => this.grid.children[this.cursor]?.focus());
  }

  draw() {
    const focused = this.grid.contains(this.grid.getRootNode().activeElement);
    this.grid.replaceChildren(...this.items.map((item, place) => this.tile(item, place)));
    if (focused) this.grid.children[this.cursor]?.focus({ preventScroll: true });
    this.told();
  }

  tile(item, place) {
    const words = [item.caption, item.verdict || "no verdict", item.flag].filter(Boolean).join(", ");
    const picture = make("div", { class: "picture" }, make("img", { src: item.src, alt: "", draggable: "false" }));
    if (item.verdict) picture.append(make("span", { class: "badge" }, MARKS[item.verdict]));
    const caption = make("div", { class: "caption" }, item.caption);
    if (item.flag) caption.append(make("div", { class: "flag" }, item.flag));
    return make("div", {
      class: `tile ${item.verdict}`, role: "option", "aria-label": words, "data-id": item.id,
      "aria-selected": String(this.chosen.has(item.id)), tabindex: place === this.cursor ? 0 : -1,
      onclick: (e) => this.click(e, place), ondblclick: () => this.open(),
      onfocus: () => { this.cursor = place; },
    }, picture, caption);
  }

  told() {
    const ids = this.targets();
    this.status.textContent = this.chosen.size ? `${ids.length} selected` : "";
    for (const name of ["kept", "rejected", "deleted", "open", "all"])
      this.buttons[name].disabled = !this.items.length;
    this.buttons.undo.disabled = !this.undoWords;
    this.buttons.undo.title = this.undoWords ? `Undo: ${this.undoWords}` : "Nothing to undo";
  }

  targets() {
    if (this.chosen.size) return this.items.map((i) => i.id).filter((id) => this.chosen.has(id));
    return this.items.length ? [this.items[this.cursor].id] : [];
  }

  click(event, place) {
    const id = this.items[place].id;
    if (event.shiftKey) this.range(this.anchor, place);
    else if (event.ctrlKey || event.metaKey || matchMedia("(hover: none)").matches) {
      if (!this.chosen.delete(id)) this.chosen.add(id);
      this.anchor = place;
    } else {
      this.chosen = new Set([id]);
      this.anchor = place;
    }
    this.moveTo(place);
  }

  range(from, to) {
    const [first, last] = from < to ? [from, to] : [to, from];
    this.chosen = new Set(this.items.slice(first, last + 1).map((item) => item.id));
  }

  /** Focus without rebuilding the tiles: a double click must meet the same element twice. */
  moveTo(place) {
    this.cursor = place;
    [...this.grid.children].forEach((tile, k) => {
      tile.tabIndex = k === place ? 0 : -1;
      tile.setAttribute("aria-selected", String(this.chosen.has(this.items[k].id)));
    });
    this.grid.children[place]?.focus();
    this.told();
  }

  step(event, by) {
    const place = Math.min(this.items.length - 1, Math.max(0, this.cursor + by));
    if (event.shiftKey) this.range(this.anchor, place);
    else {
      this.chosen.clear();
      this.anchor = place;
    }
    this.moveTo(place);
  }

  columns() {
    const top = this.grid.children[0]?.offsetTop;
    const below = [...this.grid.children].findIndex((tile) => tile.offsetTop > top);
    return below < 0 ? this.items.length : below;
  }

  decide(verdict) {
    const ids = this.targets();
    if (!ids.length) return;
    const mine = this.items.filter((item) => ids.includes(item.id));
    const again = mine.every((item) => item.verdict === verdict);
    const action = { action: again ? "" : verdict, ids };
    this.foresee(action);
    if (!this.chosen.size && !again) {
      this.cursor = Math.min(this.items.length - 1, this.cursor + 1);
      this.anchor = this.cursor;
    }
    this.chosen.clear();
    this.undoWords ||= "the last action";
    this.draw();
    this.queue.push(action);
  }

  /** Shows a decision at once, before the server has answered. */
  foresee({ action, ids }) {
    if (action !== "" && !(action in MARKS)) return;
    for (const item of this.items) if (ids.includes(item.id)) item.verdict = action;
  }

  undo() {
    if (this.undoWords) this.queue.push({ action: "undo", ids: [] });
  }

  open() {
    if (this.items.length) this.queue.push({ action: "open", ids: [this.items[this.cursor].id] });
  }

  all() {
    const none = this.chosen.size === this.items.length;
    this.chosen = new Set(none ? [] : this.items.map((item) => item.id));
    this.moveTo(this.cursor);
  }

  key(event) {
    if (["INPUT", "SELECT"].includes(event.target.tagName)) return event.stopPropagation();
    const name = event.key.toLowerCase();
    const onTile = event.target.closest?.(".tile");
    const steps = { arrowleft: -1, arrowright: 1, arrowup: -this.columns(), arrowdown: this.columns() };
    const plain = !(event.ctrlKey || event.metaKey || event.altKey);
    let done = true;
    if (!plain && name === "z") this.undo();
    else if (!plain && name === "a") this.all();
    else if (!plain) done = false;
    else if (name in steps) this.step(event, steps[name]);
    else if (name in VERDICT_KEYS) this.decide(VERDICT_KEYS[name]);
    else if (name === "u") this.undo();
    else if (name === "a") this.all();
    else if (name === "escape") { this.chosen.clear(); this.moveTo(this.cursor); }
    else if (name === "enter" && onTile) this.open();
    else if (name === " " && onTile) this.click({ ctrlKey: true }, this.cursor);
    else done = false;
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  }
}

const sheets = new WeakMap();
export default (component) => mounted(ContactSheet, sheets, component);
