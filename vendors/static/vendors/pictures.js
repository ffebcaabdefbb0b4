/** Pictures of a product: put in order by dragging, several chosen or dropped at once. Without scripts there are numbers. */

const group = document.getElementById("images-group");

const rows = () => [...group.querySelectorAll("tbody tr.form-row:not(.empty-form)")];
const field = (row, name) => row.querySelector(`[name$="-${name}"]`);
const isUsed = (row) =>
  row.classList.contains("has_original") || field(row, "file").files.length > 0 || field(row, "alt").value !== "";

/** Write the order of the rows into their numbers; an empty row stays untouched, for it is not saved. */
function renumber() {
  for (const [place, row] of rows().filter(isUsed).entries()) field(row, "position").value = place;
}

function button(words, sign, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.setAttribute("aria-label", words);
  made.textContent = sign;
  made.addEventListener("click", () => {
    act();
    renumber();
    made.focus();
  });
  return made;
}

/** Give a row its handle and its two buttons, once. */
function equip(row) {
  if (row.querySelector(".picture-move")) return;
  const room = document.createElement("span");
  room.className = "picture-move";
  const handle = document.createElement("span");
  handle.className = "picture-handle";
  handle.textContent = "⠿";
  handle.title = "Drag to another place";
  handle.setAttribute("aria-hidden", "true");
  handle.addEventListener("pointerdown", () => {
    row.draggable = true;
  });
  room.append(
    button("Earlier", "↑", () => {
      const other = rows()[rows().indexOf(row) - 1];
      if (other) other.before(row);
    }),
    button("Later", "↓", () => {
      const other = rows()[rows().indexOf(row) + 1];
      if (other) other.after(row);
    }),
    handle,
  );
  field(row, "position").after(room);
}

let dragged = null;

function startDrag(event) {
  dragged = event.target.closest("tr.form-row");
  if (!dragged) return;
  dragged.classList.add("picture-dragged");
  event.dataTransfer.effectAllowed = "move";
}

function dragOver(event) {
  if (!dragged) return;
  event.preventDefault();
  const row = event.target.closest("tr.form-row:not(.empty-form)");
  if (!row || row === dragged) return;
  const box = row.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) row.before(dragged);
  else row.after(dragged);
}

function endDrag() {
  if (!dragged) return;
  dragged.classList.remove("picture-dragged");
  dragged.draggable = false;
  dragged = null;
  renumber();
}

/** Return a row for another picture, a new one where none is empty. */
function emptyRow() {
  const found = rows().find((row) => !isUsed(row));
  if (found) return found;
  group.querySelector(".add-row a").click();
  return rows().at(-1);
}

function preview(row, file) {
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    row.querySelector(".picture-now")?.remove();
    const picture = new Image(80, 80);
    picture.className = "picture-now";
    picture.alt = "";
    picture.src = reader.result;
    field(row, "file").before(picture);
  });
  reader.readAsDataURL(file);
}

/** Put each picture into a row of its own, and go to the first description. */
function take(files) {
  const taken = [...files].filter((file) => file.type.startsWith("image/"));
  const filled = taken.map((file) => {
    const row = emptyRow();
    const list = new DataTransfer();
    list.items.add(file);
    field(row, "file").files = list.files;
    equip(row);
    preview(row, file);
    return row;
  });
  renumber();
  if (filled.length) field(filled[0], "alt").focus();
}

function makeDropZone() {
  const zone = document.createElement("div");
  zone.className = "picture-drop";
  const label = document.createElement("label");
  label.textContent = "Drop pictures here, or choose several: ";
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.accept = "image/*";
  label.append(input);
  zone.append(label);
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  zone.addEventListener("dragover", (event) => {
    if (dragged) return;
    event.preventDefault();
    zone.dataset.over = "";
  });
  zone.addEventListener("dragleave", () => delete zone.dataset.over);
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    delete zone.dataset.over;
    take(event.dataTransfer.files);
  });
  group.querySelector("fieldset").prepend(zone);
}

if (group) {
  makeDropZone();
  rows().forEach(equip);
  group.addEventListener("dragstart", startDrag);
  group.addEventListener("dragover", dragOver);
  group.addEventListener("dragend", endDrag);
  document.addEventListener("formset:added", (event) => {
    if (group.contains(event.target)) equip(event.target);
  });
}
