import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { canTake, imbalance, minutesOf, person, plan, readShifts, workload } from '../src/planner.js';

const shift = (name, start, end, skill = null) => ({ name, start, end, skill });

describe('readShifts', () => {
  it('reads times and skills', () => {
    assert.deepEqual(readShifts('name,start,end,skill\nearly,6:00,14:00,\nbar,18:00,23:30,drinks\n'), [
      { name: 'early', skill: null, start: 360, end: 840 },
      { name: 'bar', skill: 'drinks', start: 1080, end: 1410 },
    ]);
  });

  it('refuses shifts that end before they start', () => {
    assert.throws(() => readShifts('name,start,end\nnight,22:00,6:00\n'), RangeError);
  });
});

describe('canTake', () => {
  const ada = person('Ada', { skills: ['drinks'], limit: 300 });

  it('asks for skills', () => {
    assert.ok(canTake(ada, shift('bar', 0, 60, 'drinks'), []));
    assert.ok(!canTake(ada, shift('door', 0, 60, 'security'), []));
  });

  it('refuses two shifts at once', () => {
    const assignments = [{ person: 'Ada', shift: shift('one', 0, 60) }];
    assert.ok(!canTake(ada, shift('two', 30, 90), assignments));
    assert.ok(canTake(ada, shift('two', 60, 90), assignments));
  });

  it('allows working up to the limit', () => {
    assert.ok(canTake(ada, shift('long', 0, 300), []));
  });

  it('refuses more than the limit', () => {
    assert.ok(!canTake(ada, shift('longer', 0, 301), []));
  });
});

describe('plan', () => {
  const people = [person('Ada', { skills: ['drinks'] }), person('Bob')];

  it('shares the work', () => {
    const made = plan([shift('a', 0, 60), shift('b', 60, 120), shift('c', 120, 180)], people);
    assert.deepEqual(made.assignments.map(({ person: name }) => name), ['Ada', 'Bob', 'Ada']);
    assert.deepEqual([...workload(made, people)], [['Ada', 120], ['Bob', 60]]);
    assert.equal(imbalance(made, people), 60);
  });

  it('leaves shifts open that nobody can take', () => {
    const made = plan([shift('a', 0, 60, 'drinks'), shift('b', 30, 90, 'drinks')], people);
    assert.deepEqual(made.open.map(({ name }) => name), ['b']);
    assert.equal(minutesOf(made.assignments, 'Ada'), 60);
  });

  it('plans nothing', () => {
    assert.deepEqual(plan([], people), { assignments: [], open: [] });
    assert.equal(imbalance(plan([], []), []), 0);
  });
});
