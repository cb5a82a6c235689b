// Tables whose headers sort them. Without this they are tables all the same.
"use strict";
for (const table of document.querySelectorAll("table.sorts")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    header.querySelector("button").addEventListener("click", () => {
      const ascending = header.getAttribute("aria-sort") !== "ascending";
      for (const other of headers) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort((a, b) => compare(a, b, column, ascending)));
    });
  });
}

// Numbers as numbers, names as names, and what has no value last in both directions.
function compare(first, second, column, ascending) {
  const [a, b] = [first, second].map((row) => row.cells[column].dataset.value);
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  const numbers = !Number.isNaN(Number(a)) && !Number.isNaN(Number(b));
  const order = numbers ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true });
  return ascending ? order : -order;
}
