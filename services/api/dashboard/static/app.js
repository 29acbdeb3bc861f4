// What a page gains in a browser with scripts: live values, times as "2 min ago", colours to choose, checkboxes for all rows.
// Each page is whole without any of it. Other modules are named by the page in data-module.
const body = document.body;
const live = document.getElementById("live");

// Times: how long ago, with the city's clock as the title; the viewer's is added where it is another one.
let ownClock = () => "";

function ago(seconds) {
  const away = Math.abs(seconds);
  if (away < 5) return "now";
  const [unit, size] = [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]].find(([, one]) => away >= one);
  const number = Math.trunc(away / size);
  const words = `${number} ${unit}${unit === "day" && number > 1 ? "s" : ""}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function dress(time) {
  const moment = new Date(time.dateTime);
  if (!time.dataset.city) time.dataset.city = time.textContent;
  time.title = time.dataset.city + ownClock(moment);
  if (time.closest("[data-exact]")) {
    time.textContent = time.title;
  } else {
    const words = ago((Date.now() - moment.getTime()) / 1000);
    if (time.textContent !== words) time.textContent = words;
  }
}

const dressAll = (root) => root.querySelectorAll("time").forEach(dress);
dressAll(document);
setInterval(() => dressAll(document), 5000);
// After the first paint: loading Intl takes a browser longer than all else here.
requestAnimationFrame(() => setTimeout(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone === body.dataset.city) return;
  const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  ownClock = (moment) => ` · ${clock.format(moment)} ${zone}`;
  dressAll(document);
}));

// On a phone the menu is wider than the window.
document.querySelector(".top nav [aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Colours: the system's, then light, then dark.
const button = document.getElementById("theme");
if (button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme
      ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    document.cookie = `trafficjobs_theme=${next}; path=${body.dataset.root}; max-age=31536000; samesite=lax`;
  });
}

// Rows of a form that are chosen together.
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-all]");
  if (!all) return;
  all.form.querySelectorAll(`input[name="${all.dataset.all}"]`).forEach((box) => { box.checked = all.checked; });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const field = document.querySelector('[data-key="/"]');
  if (field) { event.preventDefault(); field.focus(); }
});
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.ask ?? event.target.dataset.ask;
  if (question && !confirm(question)) event.preventDefault();
});
// Browsers have a clipboard for scripts where TLS is spoken, and at localhost.
if (navigator.clipboard) document.querySelectorAll("[data-copy]").forEach((one) => { one.hidden = false; });
document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent.trim())
    .then(() => { copy.textContent = "Copied"; setTimeout(() => { copy.textContent = "Copy"; }, 1500); });
});

// Live: whatever happens leads, at most once a second, to the same page being fetched, and what changed in it being put in place.
const REST = 1000, SLOWEST = 5000, PATIENCE = 30000; // milliseconds
const SCROLLS = "pre, .scroll";
let waiting = null, fetching = false, again = false, last = 0, rest = REST;
let stream = null, listening = null, ticking = null;

// What the viewer has in hand stays as it is until it is let go; the next look brings what has changed meanwhile.
function disturbs(element) {
  const chosen = getSelection();
  return element.contains(document.activeElement) && document.activeElement !== document.body
    || !chosen.isCollapsed && chosen.containsNode(element, true)
    || element.querySelector("details[open]:not([data-open]), input:checked, dialog[open]");
}

function graft(fresh) {
  for (const element of document.querySelectorAll("[data-live]")) {
    const next = element.id && fresh.getElementById(element.id);
    if (!next || element.dataset.raw === next.outerHTML || disturbs(element)) continue;
    const raw = next.outerHTML;
    const open = [...element.querySelectorAll("details")].map((one) => one.open);
    const places = [...element.querySelectorAll(SCROLLS)].map((one) =>
      [one.scrollLeft, one.scrollTop + one.clientHeight >= one.scrollHeight - 4 && one.matches(".log") ? Infinity : one.scrollTop]);
    element.replaceWith(next);
    next.dataset.raw = raw;
    next.querySelectorAll("details").forEach((one, at) => { one.open = open[at] ?? one.open; });
    next.querySelectorAll(SCROLLS).forEach((one, at) => {
      const [left, top] = places[at] ?? [0, one.matches(".log") ? Infinity : 0];
      one.scrollTo({ left, top: Math.min(top, one.scrollHeight), behavior: "instant" });
    });
    dressAll(next);
  }
}

async function renew() {
  waiting = null;
  if (fetching) { again = true; return; }
  fetching = true; again = false;
  const began = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") { // to sign in: the session has ended
      end();
      say("signed out", false);
    } else if (answer.ok) {
      graft(new DOMParser().parseFromString(await answer.text(), "text/html"));
      tell();
    } else say(answer.status >= 500 ? "reconnecting" : "not live", false);
  } catch { say("reconnecting", false); }
  fetching = false; last = Date.now();
  rest = Math.max(REST, 10 * (last - began)); // a service that is slow is asked less often
  if (again) soon();
}

function soon() {
  if (waiting === null && ticking !== null) waiting = setTimeout(renew, Math.max(0, last + rest - Date.now()));
}

function say(words, on) {
  live.hidden = false;
  live.classList.toggle("on", on);
  if (live.textContent !== words) live.textContent = words;
}

function tell() {
  if (ticking === null) return;
  if (stream.readyState === EventSource.CLOSED) say("every 5 s", true); // as many streams are open as may
  else if (stream.readyState === EventSource.OPEN) say("live", true);
}

function listen(address) {
  const made = stream = new EventSource(address);
  for (const kind of ["status", "progress", "partial", "action", "log", "job", "reset"]) made.addEventListener(kind, soon);
  made.addEventListener("open", () => { tell(); soon(); });
  made.addEventListener("error", () => {
    if (made !== stream || ticking === null) return;
    soon();
    if (made.readyState !== EventSource.CLOSED) say("reconnecting", false);
    else if (address !== body.dataset.events) listen(body.dataset.events); // a job's own stream ends with the job
    else { tell(); listening = setTimeout(() => listen(address), PATIENCE); }
  });
}

// A window that nobody sees holds no connection: a browser has six of them for all windows of a service.
function begin() {
  end();
  if (document.hidden) return;
  // What no event tells, as workers that come and go; and where no stream is to be had.
  ticking = setInterval(soon, SLOWEST);
  listen(document.querySelector("[data-stream]")?.dataset.stream ?? body.dataset.events);
}

function end() {
  stream?.close();
  clearTimeout(waiting); clearTimeout(listening); clearInterval(ticking);
  waiting = listening = ticking = null; again = false;
}

if (document.querySelector("[data-live]")) {
  document.querySelectorAll("[data-live] .log").forEach((one) => { one.scrollTop = one.scrollHeight; });
  begin();
  document.addEventListener("visibilitychange", begin);
}

for (const element of document.querySelectorAll("[data-module]")) import(element.dataset.module);
