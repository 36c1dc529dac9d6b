/* Drawing, moving and resizing a box with mouse, pen or finger. */

const LEAST = 1; // px of the image
const SLACK = 4; // px of the screen: less is a click

class Dragging {
  constructor(editor) {
    this.editor = editor;
    for (const [name, act] of [["down", "grab"], ["move", "drag"], ["up", "drop"], ["cancel", "cancel"]])
      editor.canvas.addEventListener(`pointer${name}`, (event) => this[act](event));
  }

  at(event) {
    const place = this.editor.canvas.getBoundingClientRect();
    return [
      within(((event.clientX - place.left) * this.editor.width) / place.width, 0, this.editor.width),
      within(((event.clientY - place.top) * this.editor.height) / place.height, 0, this.editor.height),
    ];
  }

  grab(event) {
    if (event.button || this.held) return;
    this.editor.canvas.focus({ preventScroll: true });
    event.preventDefault();
    this.editor.canvas.setPointerCapture(event.pointerId);
    const { edge, box } = event.target.dataset, fresh = this.editor.anywhere || event.shiftKey;
    this.held = { start: this.at(event), edge, chosen: this.editor.selected };
    if (edge == null && (box == null || fresh)) this.held.fresh = true;
    else if (edge == null) this.editor.choose(Number(box));
    if (!this.held.fresh) this.held.from = { ...this.editor.boxes[this.editor.selected] };
  }

  drag(event) {
    if (!this.held) return;
    const [x, y] = this.at(event), [x0, y0] = this.held.start;
    const slack = (SLACK * this.editor.width) / (this.editor.stage.clientWidth || this.editor.width);
    if (!this.held.moved && Math.hypot(x - x0, y - y0) < slack) return;
    if (!this.held.moved) this.begin();
    if (this.held.fresh) this.stretch({ x1: x0, y1: y0, x2: x0, y2: y0 }, [x, y], x < x0 ? "w" : "e", y < y0 ? "n" : "s");
    else if (this.held.edge) this.stretch(this.held.from, [x, y], this.held.edge, this.held.edge);
    else this.editor.move(this.held.from, x - x0, y - y0);
    this.editor.draw();
  }

  begin() {
    this.editor.remember();
    this.held.moved = true;
    if (!this.held.fresh) return;
    this.editor.boxes.push({ class_name: this.editor.drawn });
    this.editor.selected = this.editor.boxes.length - 1;
  }

  /** The corners moved to a point: `across` names the side w or e, `down` the side n or s. */
  stretch(from, [x, y], across, down) {
    let { x1, y1, x2, y2 } = from;
    if (across.includes("w")) x1 = within(x, 0, Math.max(0, x2 - LEAST));
    if (across.includes("e")) x2 = within(x, Math.min(this.editor.width, x1 + LEAST), this.editor.width);
    if (down.includes("n")) y1 = within(y, 0, Math.max(0, y2 - LEAST));
    if (down.includes("s")) y2 = within(y, Math.min(this.editor.height, y1 + LEAST), this.editor.height);
    this.editor.place(this.editor.selected, [x1, y1, x2, y2]);
  }

  drop() {
    if (!this.held) return;
    const { fresh, moved } = this.held;
    this.held = null;
    const box = this.editor.boxes[this.editor.selected];
    if (fresh && !moved) this.editor.choose(-1);
    else if (fresh && (box.x2 - box.x1 < LEAST || box.y2 - box.y1 < LEAST)) this.editor.undo();
    else if (fresh) this.editor.drawAnywhere(false);
  }

  cancel() {
    if (!this.held) return;
    const { moved, chosen } = this.held;
    this.held = null;
    if (moved) this.editor.undo();
    this.editor.choose(chosen);
  }
}
