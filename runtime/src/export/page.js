"use strict";
(() => {
  const spans = JSON.parse(document.getElementById("spans").textContent);
  const rows = [...document.querySelectorAll(".r")];
  const panel = document.querySelector("aside");
  const search = document.querySelector("input[type=search]");
  const errorsOnly = document.getElementById("errors");
  const count = document.querySelector("nav output");
  const closed = new Set();
  let selected = -1;
  document.documentElement.classList.remove("nojs");

  const text = (span) => [span.n, ...span.a.map((a) => a[0] + "=" + a[2])].join("\n").toLowerCase();
  const texts = spans.map(text);

  // A row is shown if no row around it is closed and, while something is looked for, it or a row inside it matches.
  function update() {
    const wanted = search.value.trim().toLowerCase();
    const filtering = wanted !== "" || errorsOnly.checked;
    const hit = spans.map((span, i) => (!wanted || texts[i].includes(wanted)) && (!errorsOnly.checked || span.e));
    const keep = hit.slice();
    for (let i = spans.length - 1; i >= 0; i--) if (keep[i] && spans[i].p >= 0) keep[spans[i].p] = true;
    const hidden = [];
    let shown = 0;
    spans.forEach((span, i) => {
      hidden[i] = span.p >= 0 && (hidden[span.p] || closed.has(span.p));
      rows[i].classList.toggle("off", filtering ? !keep[i] : hidden[i]);
      rows[i].classList.toggle("hit", wanted !== "" && hit[i]);
      if (hit[i]) shown++;
      if (span.k) rows[i].setAttribute("aria-expanded", String(!closed.has(i) || filtering));
    });
    count.textContent = filtering ? shown + " of " + spans.length + " spans" : "";
  }

  function element(tag, content, className) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (content !== undefined) made.textContent = content;
    return made;
  }

  function table(lines) {
    const made = element("table");
    for (const [key, value] of lines) {
      const line = made.insertRow();
      line.insertCell().textContent = key;
      const cell = line.insertCell();
      if (value instanceof Node) cell.append(value); else cell.textContent = value;
    }
    return made;
  }

  function copyable(id) {
    const made = element("button", id, "id");
    made.title = "Copy";
    made.addEventListener("click", () => navigator.clipboard?.writeText(id).then(() => { made.title = "Copied"; }));
    return made;
  }

  function select(i, focus) {
    if (selected >= 0) { rows[selected].setAttribute("aria-selected", "false"); rows[selected].tabIndex = -1; }
    selected = i;
    if (i < 0) { panel.hidden = true; return; }
    const row = rows[i], span = spans[i];
    row.setAttribute("aria-selected", "true");
    row.tabIndex = 0;
    if (focus) row.focus();
    row.scrollIntoView({ block: "nearest" });
    const close = element("button", "×", "x");
    close.setAttribute("aria-label", "Close");
    close.addEventListener("click", () => { select(-1); row.focus(); });
    panel.replaceChildren(close, element("h3", span.n));
    if (span.m) panel.append(element("div", span.m, "msg"));
    panel.append(element("h4", "Span"), table([
      ["duration", span.d], ["starts after", span.s], ["own time", span.o], ["kind", span.y], ["status", span.t],
      ["trace id", copyable(span.r)], ["span id", copyable(span.i)], ...(span.q ? [["parent", copyable(span.q)]] : []),
    ]));
    if (span.a.length) panel.append(element("h4", "Attributes"), table(span.a.map((a) => [a[0], a[2]])));
    for (const event of span.v) {
      panel.append(element("h4", "Event: " + event[0]), table([["after", event[1]], ...event[2]]));
    }
    if (span.l.length) panel.append(element("h4", "Links"), table(span.l.map((link) => [link[0], copyable(link[1])])));
    panel.hidden = false;
  }

  function toggle(i, open) {
    if (!spans[i].k) return;
    if (open) closed.delete(i); else closed.add(i);
    update();
  }

  document.querySelector(".list").addEventListener("click", (event) => {
    const row = event.target.closest(".r");
    if (!row) return;
    const i = rows.indexOf(row);
    if (event.target.closest(".t")) toggle(i, closed.has(i)); else select(i, true);
  });
  document.querySelector(".list").addEventListener("keydown", (event) => {
    const i = rows.indexOf(event.target.closest(".r"));
    if (i < 0) return;
    const visible = rows.filter((row) => !row.classList.contains("off"));
    const at = visible.indexOf(rows[i]);
    const go = (row) => row && select(rows.indexOf(row), true);
    switch (event.key) {
      case "ArrowDown": go(visible[at + 1]); break;
      case "ArrowUp": go(visible[at - 1]); break;
      case "Home": go(visible[0]); break;
      case "End": go(visible[visible.length - 1]); break;
      case "ArrowRight": if (closed.has(i)) toggle(i, true); else go(visible[at + 1]); break;
      case "ArrowLeft": if (spans[i].k && !closed.has(i)) toggle(i, false); else if (spans[i].p >= 0) go(rows[spans[i].p]); break;
      case "Enter": case " ": select(i, true); break;
      case "Escape": select(-1); break;
      default: return;
    }
    event.preventDefault();
  });
  search.addEventListener("input", update);
  errorsOnly.addEventListener("change", update);
  document.getElementById("collapse").addEventListener("click", (event) => {
    const close = closed.size === 0;
    spans.forEach((span, i) => { if (close && span.k && span.z > 0) closed.add(i); else closed.delete(i); });
    event.target.textContent = close ? "Expand all" : "Collapse all";
    update();
  });
  if (rows[0]) rows[0].tabIndex = 0;
  update();
})();
