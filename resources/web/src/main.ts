/** The page's entry: puts the parts together. */

const status = document.getElementById("status");
if (status) status.textContent = "connecting…";
