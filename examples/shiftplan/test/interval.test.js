import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  contains, duration, formatTime, gaps, intersection, interval, merge, overlaps, parseTime,
} from '../src/interval.js';

describe('interval', () => {
  it('ends after it starts', () => {
    assert.deepEqual(interval(60, 90), { start: 60, end: 90 });
    assert.throws(() => interval(60, 60), RangeError);
  });

  it('is half-open', () => {
    const hour = interval(60, 120);
    assert.equal(duration(hour), 60);
    assert.deepEqual([59, 60, 119, 120].map((minute) => contains(hour, minute)), [false, true, true, false]);
  });

  it('overlaps', () => {
    assert.ok(overlaps(interval(0, 10), interval(9, 20)));
    assert.ok(!overlaps(interval(0, 10), interval(10, 20)));
  });

  it('intersects', () => {
    assert.deepEqual(intersection(interval(0, 10), interval(5, 20)), { start: 5, end: 10 });
    assert.equal(intersection(interval(0, 10), interval(10, 20)), null);
  });
});

describe('merge', () => {
  it('joins what overlaps or touches', () => {
    assert.deepEqual(
      merge([interval(30, 40), interval(0, 10), interval(5, 20), interval(20, 25)]),
      [{ start: 0, end: 25 }, { start: 30, end: 40 }],
    );
  });

  it('keeps the longer end', () => {
    assert.deepEqual(merge([interval(0, 50), interval(10, 20)]), [{ start: 0, end: 50 }]);
  });

  it('leaves its input alone', () => {
    const input = [interval(0, 10), interval(5, 20)];
    merge(input);
    assert.deepEqual(input, [{ start: 0, end: 10 }, { start: 5, end: 20 }]);
  });

  it('merges nothing', () => {
    assert.deepEqual(merge([]), []);
  });
});

describe('gaps', () => {
  it('finds what is free', () => {
    assert.deepEqual(
      gaps(interval(0, 100), [interval(20, 30), interval(60, 80)]),
      [{ start: 0, end: 20 }, { start: 30, end: 60 }, { start: 80, end: 100 }],
    );
  });

  it('ignores what lies outside', () => {
    assert.deepEqual(gaps(interval(50, 100), [interval(0, 50), interval(90, 200)]), [{ start: 50, end: 90 }]);
  });

  it('finds nothing when all is taken', () => {
    assert.deepEqual(gaps(interval(0, 10), [interval(0, 10)]), []);
  });
});

describe('times', () => {
  it('are read and written', () => {
    assert.equal(parseTime('9:05'), 545);
    assert.equal(formatTime(545), '09:05');
    assert.equal(parseTime('24:00'), 1440);
  });

  it('are checked', () => {
    for (const text of ['9', '25:00', '24:01', '10:60', 'noon']) {
      assert.throws(() => parseTime(text), RangeError);
    }
  });
});
