/* How boxes look: colour by class, dashes and a letter by where the label comes from. */

const NEW_CLASS = "#FFFFFF"; // until it is saved
const SOURCES = {
  exact: ["E", ""], hand: ["H", ""], imported: ["I", "6 2"], attention: ["A", "8 4"],
  edges: ["G", "2 3"], centred: ["C", "12 4 2 4"], difference: ["D", "10 3"],
};
const EDGES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const svg = (tag, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};
const within = (value, low, high) => Math.min(high, Math.max(low, value));
const area = (box) => (box.x2 - box.x1) * (box.y2 - box.y1);

/** “A: attention 0.71” */
function origin(box) {
  const sure = box.confidence < 1 ? ` ${box.confidence.toFixed(2)}` : "";
  return `${SOURCES[box.source]?.[0] ?? "?"}: ${box.source}${sure}`;
}

/** Outline, dark halo and tag of one box. k: its place in the list. px: image px a screen px. */
function boxShapes(box, k, selected, colour, width, px) {
  const [letter, dash] = SOURCES[box.source] ?? ["?", "1 2"];
  const place = { x: box.x1, y: box.y1, width: box.x2 - box.x1, height: box.y2 - box.y1 };
  const line = (box.source === "hand" ? 3 : 2) * px;
  const dashes = dash.split(" ").map((n) => n * px).join(" ");
  const above = box.y1 > 16 * px, right = box.x1 > 0.7 * width;
  const inset = above ? 0 : 4 * px;
  const tag = svg("text", {
    class: "tag", "text-anchor": right ? "end" : "start",
    x: right ? box.x2 - inset : box.x1 + inset, y: above ? box.y1 - 5 * px : box.y1 + 15 * px,
    "font-size": 13 * px, "stroke-width": 3 * px,
  });
  tag.textContent = `${k + 1} ${box.class_name} ${letter}`;
  return [
    svg("rect", { class: "halo", ...place, "stroke-width": line + 2 * px }),
    svg("rect", {
      class: selected ? "box selected" : "box", "data-box": k, ...place,
      stroke: colour, "stroke-width": line, "stroke-dasharray": dashes,
    }),
    tag,
  ];
}

/** Eight handles with a grip a finger can hit. */
function handleShapes(box, px) {
  const shapes = [];
  const wide = (box.x2 - box.x1) / px, high = (box.y2 - box.y1) / px;
  const reach = within(Math.min(wide, high) / 3, 6, 14) * px;
  for (const edge of EDGES) {
    const x = edge.includes("w") ? box.x1 : edge.includes("e") ? box.x2 : (box.x1 + box.x2) / 2;
    const y = edge.includes("n") ? box.y1 : edge.includes("s") ? box.y2 : (box.y1 + box.y2) / 2;
    const place = { x: x - 4 * px, y: y - 4 * px, width: 8 * px, height: 8 * px };
    const style = `cursor: ${edge}-resize`;
    shapes.push(svg("rect", { class: "handle", ...place, "stroke-width": px }));
    shapes.push(svg("circle", { class: "grip", "data-edge": edge, cx: x, cy: y, r: reach, style }));
  }
  return shapes;
}
