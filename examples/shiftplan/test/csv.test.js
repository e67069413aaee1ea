import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { CsvError, formatRows, parseRecords, parseRows, quoteField } from '../src/csv.js';

describe('parseRows', () => {
  it('splits lines and fields', () => {
    assert.deepEqual(parseRows('a,b\nc,d\n'), [['a', 'b'], ['c', 'd']]);
  });

  it('accepts other line ends and separators', () => {
    assert.deepEqual(parseRows('a;b\r\nc;d\re;f', ';'), [['a', 'b'], ['c', 'd'], ['e', 'f']]);
  });

  it('keeps empty fields and skips empty lines', () => {
    assert.deepEqual(parseRows('a,,\n\n,b\n'), [['a', '', ''], ['', 'b']]);
  });

  it('reads quoted fields', () => {
    assert.deepEqual(parseRows('"a,b","c\nd",""'), [['a,b', 'c\nd', '']]);
  });

  it('reads doubled quotes as one', () => {
    assert.deepEqual(parseRows('"say ""hi""",x'), [['say "hi"', 'x']]);
  });

  it('refuses open quotes', () => {
    assert.throws(() => parseRows('"a'), CsvError);
  });

  it('reads nothing', () => {
    assert.deepEqual(parseRows(''), []);
  });
});

describe('parseRecords', () => {
  it('uses the header', () => {
    assert.deepEqual(parseRecords('name, age\nAda,36\n'), [{ name: 'Ada', age: '36' }]);
  });

  it('names the row that is wrong', () => {
    assert.throws(() => parseRecords('a,b\n1,2\n3\n'), /row 3 has 1 fields instead of 2/);
  });

  it('reads nothing', () => {
    assert.deepEqual(parseRecords(''), []);
  });
});

describe('formatRows', () => {
  it('quotes where needed', () => {
    assert.equal(formatRows([['a', 'b,c'], [1, null]]), 'a,"b,c"\n1,\n');
    assert.equal(quoteField('say "hi"'), '"say ""hi"""');
  });
});
