/** Half-open intervals of minutes: `{ start, end }` holds start but not end. */

export function interval(start, end) {
  if (!(start < end)) {
    throw new RangeError(`an interval must end after it starts: ${start} to ${end}`);
  }
  return { start, end };
}

export function duration({ start, end }) {
  return end - start;
}

export function contains(outer, minute) {
  return minute >= outer.start && minute < outer.end;
}

/** Whether two intervals share any minute; touching ones do not. */
export function overlaps(a, b) {
  return a.start < b.end && b.start < a.end;
}

/** The shared part of two intervals, or null. */
export function intersection(a, b) {
  const start = Math.max(a.start, b.start);
  const end = Math.min(a.end, b.end);
  return start < end ? { start, end } : null;
}

/** The intervals joined where they overlap or touch, in order. */
export function merge(intervals) {
  const sorted = [...intervals].sort((a, b) => a.start - b.start || a.end - b.end);
  const merged = [];
  for (const next of sorted) {
    const last = merged.at(-1);
    if (last && next.start <= last.end) {
      last.end = next.end;
    } else {
      merged.push({ ...next });
    }
  }
  return merged;
}

/** What is left of `whole` without the given intervals. */
export function gaps(whole, taken) {
  const free = [];
  let position = whole.start;
  for (const { start, end } of merge(taken)) {
    if (end <= whole.start || start >= whole.end) {
      continue;
    }
    if (start > position) {
      free.push({ start: position, end: start });
    }
    position = Math.max(position, end);
  }
  if (position < whole.end) {
    free.push({ start: position, end: whole.end });
  }
  return free;
}

/** `9:05` or `09:05` as minutes since midnight. */
export function parseTime(text) {
  const found = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  if (!found) {
    throw new RangeError(`not a time: ${text}`);
  }
  const [hours, minutes] = [Number(found[1]), Number(found[2])];
  if (hours > 24 || minutes > 59 || hours * 60 + minutes > 24 * 60) {
    throw new RangeError(`not a time: ${text}`);
  }
  return hours * 60 + minutes;
}

/** Minutes since midnight as `09:05`. */
export function formatTime(minute) {
  const hours = String(Math.floor(minute / 60)).padStart(2, '0');
  return `${hours}:${String(minute % 60).padStart(2, '0')}`;
}
