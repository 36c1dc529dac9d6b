/* Shared by the components: actions on their way to the server, and small helpers. */

/** Sends each action at least once; the server names those it has done by their tokens. */
class ActionQueue {
  constructor() {
    this.waiting = [];
  }

  connect(setTriggerValue, done) {
    this.send = setTriggerValue;
    this.waiting = this.waiting.filter((action) => !done.includes(action.token));
  }

  push(action) {
    const token = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.waiting.push({ token, ...action });
    this.send("actions", this.waiting);
  }
}

/** An element with attributes, text and children; `on…` attributes are listeners. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** The list of shortcuts behind a “?”. */
function shortcuts(rows) {
  const list = make("dl", {});
  for (const [keys, words] of rows) list.append(make("dt", {}, keys), make("dd", {}, words));
  const summary = make("summary", { "aria-label": "Keyboard shortcuts", title: "Shortcuts" }, "?");
  return make("details", { class: "help" }, summary, list);
}

/** One instance of `Type` for a place in the page, however often Streamlit calls in. */
function mounted(Type, instances, { parentElement, data, setTriggerValue }) {
  if (!instances.has(parentElement)) instances.set(parentElement, new Type(parentElement));
  instances.get(parentElement).update(data, setTriggerValue);
  return () => instances.get(parentElement)?.close?.();
}
