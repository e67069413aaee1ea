/** Reads and writes comma separated values as described in RFC 4180. */

export class CsvError extends Error {}

/** All rows of a text as arrays of strings. */
export function parseRows(text, separator = ',') {
  const rows = [];
  let row = [];
  let field = '';
  let quoted = false;
  let started = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char !== '"') {
        field += char;
      } else if (text[at + 1] === '"') {
        field += '"';
      } else {
        quoted = false;
      }
    } else if (char === '"' && field === '') {
      quoted = true;
      started = true;
    } else if (char === separator) {
      row.push(field);
      field = '';
      started = true;
    } else if (char === '\n' || char === '\r') {
      if (char === '\r' && text[at + 1] === '\n') {
        at += 1;
      }
      if (started || field !== '') {
        row.push(field);
        rows.push(row);
      }
      row = [];
      field = '';
      started = false;
    } else {
      field += char;
    }
  }
  if (quoted) {
    throw new CsvError('a quoted field is not closed');
  }
  if (started || field !== '') {
    row.push(field);
    rows.push(row);
  }
  return rows;
}

/** The rows as objects, keyed by the first row. */
export function parseRecords(text, separator = ',') {
  const [header, ...rows] = parseRows(text, separator);
  if (header === undefined) {
    return [];
  }
  return rows.map((row, index) => {
    if (row.length !== header.length) {
      throw new CsvError(`row ${index + 2} has ${row.length} fields instead of ${header.length}`);
    }
    return Object.fromEntries(header.map((name, column) => [name.trim(), row[column]]));
  });
}

/** One field, quoted where it has to be. */
export function quoteField(value, separator = ',') {
  const text = String(value ?? '');
  const needsQuotes = text.includes(separator) || text.includes('"') || /[\r\n]/.test(text);
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as text, each line ended. */
export function formatRows(rows, separator = ',') {
  return rows.map((row) => row.map((value) => quoteField(value, separator)).join(separator) + '\n').join('');
}
