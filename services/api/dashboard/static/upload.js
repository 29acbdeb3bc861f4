// The form of a file: with scripts it shows how much has been sent, says what is wrong without leaving the page, and ends on
// the page of the job that loads the file. Without them, the browser sends the form itself.
const form = document.getElementById("upload");
const file = document.getElementById("file");
const wrong = document.getElementById("file-error");
const row = document.getElementById("sent");
const [bar, words] = row.children;

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let at = 0;
  while (bytes >= 1024 && at < units.length - 1) { bytes /= 1024; at += 1; }
  return `${bytes.toFixed(at === 0 || bytes >= 100 ? 0 : 1)} ${units[at]}`;
}

function refuse(message) {
  row.hidden = true;
  wrong.hidden = false;
  wrong.textContent = message;
  file.setAttribute("aria-invalid", "true");
  for (const button of form.querySelectorAll("button")) button.disabled = false;
}

function answered(request) {
  let about = {};
  try { about = JSON.parse(request.responseText); } catch { /* a proxy's own page */ }
  if (request.status === 202) location.assign(form.dataset.job.replace("JOB", encodeURIComponent(about.id)));
  else refuse(about.detail ?? `The file was refused with status ${request.status}.`);
}

form.addEventListener("submit", (event) => {
  const chosen = file.files[0];
  if (!chosen) return;
  event.preventDefault();
  if (chosen.size > Number(form.dataset.most)) {
    refuse(`The file has ${size(chosen.size)}; ${size(Number(form.dataset.most))} may be sent (MAX_UPLOAD_BYTES).`);
    return;
  }
  wrong.hidden = true;
  file.removeAttribute("aria-invalid");
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  row.hidden = false;
  const content = new FormData();
  content.append("file", chosen);
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", (sent) => {
    bar.max = sent.total;
    bar.value = sent.loaded;
    words.textContent = sent.loaded < sent.total ? `${size(sent.loaded)} of ${size(sent.total)}` : "sent, being taken";
  });
  request.addEventListener("load", () => answered(request));
  request.addEventListener("error", () => refuse("The connection broke off. Send it again."));
  request.open("POST", `${form.dataset.to}?mode=${encodeURIComponent(event.submitter?.value || "replace")}`);
  request.setRequestHeader("X-CSRF-Token", document.body.dataset.csrf);
  request.setRequestHeader("Accept", "application/json");
  request.send(content);
});
