// The map moves: enlarged by buttons, wheel and keys, pulled with a pointer, and of some hours only. The drawing is the server's;
// what changes is its viewBox, the size of its marks against that, and the bar of the scale.
const map = document.getElementById("map");
const MOST = 40;

if (map) {
  const sheet = document.getElementById("sheet");
  const all = sheet.viewBox.baseVal, wide = all.width, high = all.height;
  const marks = [...map.querySelectorAll("defs > g > g")];
  const scale = document.getElementById("scale");
  const lengths = scale.dataset.lengths.split(" ").map(Number);
  let zoom = 1, left = 0, above = 0;

  const within = (value, most) => Math.min(Math.max(0, value), most);

  function show() {
    left = within(left, wide - wide / zoom);
    above = within(above, high - high / zoom);
    sheet.setAttribute("viewBox", `${left} ${above} ${wide / zoom} ${high / zoom}`);
    for (const mark of marks) mark.setAttribute("transform", `scale(${Math.min(1.4, 1 + Math.log(zoom) / 8) / zoom})`);
    const unit = scale.dataset.metres / 1000 / zoom;
    const length = lengths.find((one) => one / unit <= wide / 3) ?? lengths.at(-1);
    scale.querySelector("path").setAttribute("d", `M16 ${high - 22}v8h${length / unit}v-8`);
    scale.querySelector("text").setAttribute("x", 24 + length / unit);
    scale.querySelector("text").textContent = `${length} km`;
    map.classList.toggle("near", zoom > 1);
  }

  // Enlarge by a factor; what lies at these shares of the map stays where it is.
  function enlarge(factor, x = 0.5, y = 0.5) {
    const next = factor === 0 ? 1 : Math.min(Math.max(1, zoom * factor), MOST);
    left += x * wide * (1 / zoom - 1 / next);
    above += y * high * (1 / zoom - 1 / next);
    zoom = next;
    show();
  }

  function move(x, y) {
    left += x * wide / zoom;
    above += y * high / zoom;
    show();
  }

  map.querySelector(".tools").hidden = false;
  document.getElementById("map-hint").hidden = false;
  map.tabIndex = 0;
  map.setAttribute("role", "group");
  map.setAttribute("aria-label", "Map");
  map.setAttribute("aria-describedby", "map-hint");
  map.classList.add("moves");
  map.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom]");
    if (button) enlarge(Number(button.dataset.zoom));
  });
  map.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== map) return; // the page goes on scrolling
    event.preventDefault();
    const box = map.getBoundingClientRect();
    enlarge(Math.exp(-event.deltaY / 400), (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, { passive: false });

  const keys = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
  map.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (keys[event.key] && zoom > 1) move(...keys[event.key]);
    else if (event.key === "+" || event.key === "=") enlarge(1.6);
    else if (event.key === "-") enlarge(0.625);
    else if (event.key === "0") enlarge(0);
    else return;
    event.preventDefault();
  });

  let pulled = null;
  map.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && !event.target.closest("button")) {
      pulled = [event.clientX, event.clientY];
      map.setPointerCapture(event.pointerId);
    }
  });
  map.addEventListener("pointermove", (event) => {
    if (!pulled || zoom === 1) return;
    const box = map.getBoundingClientRect();
    move((pulled[0] - event.clientX) / box.width, (pulled[1] - event.clientY) / box.height);
    pulled = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) map.addEventListener(end, () => { pulled = null; });
}

// Hours: marks and rows of others are left out, their columns fade.
const [from, to] = ["from", "to"].map((name) => document.getElementById(name));
const chosen = document.getElementById("chosen");
const total = chosen.textContent;

function choose() {
  const first = Math.min(from.value, to.value), last = Math.max(from.value, to.value);
  const whole = first === 0 && last === 23;
  const fits = (element) => whole || (element.dataset.h >= first && element.dataset.h <= last);
  for (const one of document.querySelectorAll("use[data-h], tr[data-h]")) one.classList.toggle("off", !fits(one));
  for (const one of document.querySelectorAll(".column")) one.classList.toggle("faded", !fits(one));
  const count = [...document.querySelectorAll(".column:not(.faded)")].reduce((sum, one) => sum + Number(one.dataset.count), 0);
  chosen.textContent = whole ? total : `${count} of ${total}, from ${first}:00 to ${last}:59,`;
  from.setAttribute("aria-valuetext", `${from.value}:00`);
  to.setAttribute("aria-valuetext", `${to.value}:59`);
}

document.getElementById("hours").hidden = false;
for (const one of [from, to]) one.addEventListener("input", choose);
