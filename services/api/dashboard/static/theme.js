// Before anything is painted: the colours that the viewer chose, if they chose any.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch { /* no storage: the system's colours */ }
