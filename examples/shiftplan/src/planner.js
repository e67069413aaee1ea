/** Assigns people to shifts: nobody works two shifts at once or more than their limit, and work is shared evenly. */

import { parseRecords } from './csv.js';
import { duration, interval, overlaps, parseTime } from './interval.js';

/** Shifts from CSV with the columns name, start, end and an optional skill. */
export function readShifts(text) {
  return parseRecords(text).map((record) => ({
    name: record.name,
    skill: record.skill ?? null,
    ...interval(parseTime(record.start), parseTime(record.end)),
  }));
}

/** A person with skills (any iterable) and the most minutes they work. */
export function person(name, { skills = [], limit = 8 * 60 } = {}) {
  return { name, skills: new Set(skills), limit };
}

export function minutesOf(assignments, name) {
  return assignments
    .filter((assignment) => assignment.person === name)
    .reduce((sum, assignment) => sum + duration(assignment.shift), 0);
}

/** Whether somebody can take a shift on top of what is assigned already. */
export function canTake(candidate, shift, assignments) {
  if (shift.skill !== null && !candidate.skills.has(shift.skill)) {
    return false;
  }
  const own = assignments.filter((assignment) => assignment.person === candidate.name);
  if (own.some((assignment) => overlaps(assignment.shift, shift))) {
    return false;
  }
  return minutesOf(assignments, candidate.name) + duration(shift) <= candidate.limit;
}

/** A plan: `{ assignments, open }`; open shifts are those that nobody can take. */
export function plan(shifts, people) {
  const assignments = [];
  const open = [];
  const ordered = [...shifts].sort((a, b) => a.start - b.start || duration(b) - duration(a));
  for (const shift of ordered) {
    const able = people.filter((candidate) => canTake(candidate, shift, assignments));
    if (able.length === 0) {
      open.push(shift);
      continue;
    }
    const load = (candidate) => minutesOf(assignments, candidate.name);
    const chosen = able.reduce((best, candidate) => (load(candidate) < load(best) ? candidate : best));
    assignments.push({ person: chosen.name, shift });
  }
  return { assignments, open };
}

/** The minutes everybody works, by name, including those who do not work at all. */
export function workload({ assignments }, people) {
  return new Map(people.map(({ name }) => [name, minutesOf(assignments, name)]));
}

/** How uneven a plan is: the difference between the longest and the shortest working time. */
export function imbalance(assigned, people) {
  const minutes = [...workload(assigned, people).values()];
  return minutes.length === 0 ? 0 : Math.max(...minutes) - Math.min(...minutes);
}
