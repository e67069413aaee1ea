/** A cache that forgets what was not used for longest. */
export class LruCache {
  #entries = new Map();

  constructor(capacity) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError('capacity must be a positive integer');
    }
    this.capacity = capacity;
    this.hits = 0;
    this.misses = 0;
  }

  get size() {
    return this.#entries.size;
  }

  has(key) {
    return this.#entries.has(key);
  }

  /** The value for a key, which counts as a use; undefined where there is none. */
  get(key) {
    if (!this.#entries.has(key)) {
      this.misses += 1;
      return undefined;
    }
    this.hits += 1;
    const value = this.#entries.get(key);
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Stores a value; the least recently used one makes room. */
  set(key, value) {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size >= this.capacity) {
      const oldest = this.#entries.keys().next().value;
      this.#entries.delete(oldest);
    }
    return this;
  }

  /** The value for a key, made by `make` when it is not there. */
  getOrMake(key, make) {
    if (this.#entries.has(key)) {
      return this.get(key);
    }
    this.misses += 1;
    const value = make(key);
    this.set(key, value);
    return value;
  }

  /** All keys, least recently used first. */
  keys() {
    return [...this.#entries.keys()];
  }

  clear() {
    this.#entries.clear();
    this.hits = 0;
    this.misses = 0;
  }

  /** The share of look-ups that found something, from 0 to 1. */
  hitRate() {
    const total = this.hits + this.misses;
    return total === 0 ? 0 : this.hits / total;
  }
}
