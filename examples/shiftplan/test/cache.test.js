import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { LruCache } from '../src/cache.js';

describe('LruCache', () => {
  it('keeps up to its capacity', () => {
    const cache = new LruCache(2).set('a', 1).set('b', 2);
    assert.equal(cache.size, 2);
    assert.deepEqual(cache.keys(), ['a', 'b']);
  });

  it('forgets the least recently used', () => {
    const cache = new LruCache(2).set('a', 1).set('b', 2);
    cache.get('a');
    cache.set('c', 3);
    assert.deepEqual(cache.keys(), ['a', 'c']);
  });

  it('replaces values', () => {
    const cache = new LruCache(3).set('a', 1).set('a', 2);
    assert.equal(cache.get('a'), 2);
    assert.equal(cache.size, 1);
  });

  it('holds a single value', () => {
    const cache = new LruCache(1).set('a', 1);
    assert.equal(cache.get('a'), 1);
  });

  it('counts hits and misses', () => {
    const cache = new LruCache(4).set('a', 1);
    cache.get('a');
    cache.get('b');
    assert.deepEqual([cache.hits, cache.misses, cache.hitRate()], [1, 1, 0.5]);
  });

  it('makes missing values once', () => {
    const cache = new LruCache(4);
    const make = (key) => key.toUpperCase();
    assert.equal(cache.getOrMake('a', make), 'A');
    assert.equal(cache.getOrMake('a', () => 'other'), 'A');
  });

  it('can be cleared', () => {
    const cache = new LruCache(4).set('a', 1);
    cache.clear();
    assert.deepEqual([cache.size, cache.has('a'), cache.hitRate()], [0, false, 0]);
  });

  it('needs a capacity', () => {
    assert.throws(() => new LruCache(0), RangeError);
    assert.throws(() => new LruCache(1.5), RangeError);
  });
});
