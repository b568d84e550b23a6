
// A graph may be wider than the page: its own box is scrolled, not the page.
function visit(node) {
  node.classList.add("current");
  const box = node.closest(".scroller");
  const [inner, outer] = [node.getBoundingClientRect(), box.getBoundingClientRect()];
  box.scrollLeft += Math.min(0, inner.left - outer.left) + Math.max(0, inner.right - outer.right);
}

// Steps: the graph of a failure shows what both passes have reached, and lights what differs first.
for (const part of document.querySelectorAll(".steps")) {
  const [controls, rows] = [part.querySelector(".controls"), [...part.querySelectorAll("tbody tr")]];
  const [slider, said] = [controls.querySelector("input"), controls.querySelector("output")];
  const nodes = [...part.querySelectorAll(".graph .node")];
  const first = Number(part.dataset.first);
  const show = (step) => {
    slider.value = step;
    for (const node of nodes) node.classList.remove("valued", "swept", "lit", "current");
    rows.forEach((row, k) => {
      row.toggleAttribute("aria-current", false);
      if (k >= step) return;
      nodes[row.dataset.node]?.classList.add(row.classList.contains("backward") ? "swept" : "valued");
    });
    if (first && step >= first) for (const k of rows[first - 1].dataset.lit.split(" ")) nodes[k]?.classList.add("lit");
    const row = rows[step - 1];
    const ended = step === rows.length;
    if (row && !ended && nodes.length) visit(nodes[row.dataset.node]);
    row?.setAttribute("aria-current", "step");
    const numbers = row && [...row.cells].map((cell) => cell.textContent);
    const way = row?.classList.contains("backward") ? "Reverse pass" : "Forward pass";
    said.textContent = !row
      ? "Before the first step."
      : numbers[3] === "not told"
        ? `${way}, ${numbers[0]}: truth ${numbers[2]}; the engine tells none.`
        : `${way}, ${numbers[0]}: engine ${numbers[1]}, truth ${numbers[2]}: it ${numbers[3]}.`;
    slider.setAttribute("aria-valuetext", `${step} of ${rows.length}`);
    controls.querySelector(".back").disabled = step === 0;
    controls.querySelector(".next").disabled = false;
  };
  slider.addEventListener("input", () => show(Number(slider.value)));
  controls.querySelector(".back").addEventListener("click", () => show(Number(slider.value) - 1));
  controls.querySelector(".next").addEventListener("click", () => show((Number(slider.value) + 1) % (rows.length + 1)));
  controls.querySelector(".to-first")?.addEventListener("click", () => show(first));
  part.classList.add("live");
  controls.hidden = false;
  show(rows.length);
}

// The function around the point: the slider moves the point, and both tangents with it.
for (const figure of document.querySelectorAll(".near")) {
  const [places, says] = [JSON.parse(figure.dataset.places), JSON.parse(figure.dataset.says)];
  const [slider, said] = [figure.querySelector("input"), figure.querySelector("output")];
  const width = figure.querySelector(".plane").width.baseVal.value;
  const draw = (shape, attributes) => {
    const known = Object.values(attributes).every(Number.isFinite);
    shape.setAttribute("visibility", known ? "visible" : "hidden");
    if (known) for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  };
  const line = (x, y, fall) =>
    y === null || fall === null ? { x1: NaN } : { x1: 0, y1: y - fall * x, x2: width, y2: y + fall * (width - x) };
  slider.addEventListener("input", () => {
    const [x, y, fall, below, engine] = places[slider.value];
    draw(figure.querySelector(".tangent.reference"), line(x, y, fall));
    draw(figure.querySelector(".tangent.engine"), line(x, below, engine));
    draw(figure.querySelector(".point"), y === null ? { cx: NaN } : { cx: x, cy: y });
    said.textContent = says[slider.value];
    slider.setAttribute("aria-valuetext", says[slider.value]);
  });
  slider.setAttribute("aria-valuetext", says[slider.value]);
  slider.hidden = false;
}
