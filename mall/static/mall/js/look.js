/** The live preview of a store's look on the vendor's form: its colours come as a stylesheet, as the strict policy asks. */

const sheet = document.querySelector("[data-look-sheet]");
const colours = [...document.querySelectorAll("[data-look-colour]")];
const PAUSE = 120;
let waiting = 0;

function showColours() {
  const query = new URLSearchParams(colours.map((field) => [field.dataset.lookColour, field.value]));
  const next = sheet.cloneNode();
  next.href = `${sheet.href.split("?")[0]}?${query}`;
  next.removeAttribute("data-look-sheet");
  next.addEventListener("load", () => {
    for (const old of document.querySelectorAll("[data-look-shown]")) if (old !== next) old.remove();
  });
  next.dataset.lookShown = "";
  sheet.parentNode.append(next);
}

if (sheet && colours.length) {
  for (const field of colours) {
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(showColours, PAUSE);
    });
  }
  for (const shown of document.querySelectorAll("[data-look-text]")) {
    const field = document.getElementById(`id_${shown.dataset.lookText}`);
    field?.addEventListener("input", () => {
      shown.textContent = field.value;
    });
  }
  const typeface = document.getElementById("id_typeface");
  typeface?.addEventListener("change", () => {
    for (const preview of document.querySelectorAll(".preview")) preview.dataset.typeface = typeface.value;
  });
}
