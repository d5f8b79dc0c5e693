import { MOST_HEADER_BYTES } from '../../src/http/unparsed-requests';
import { FILTER_LIMITS } from '../../src/scim/filter/parser';
import { BULK_LIMITS } from '../../src/scim/messages/bulk';
import { SCIM_TYPES } from '../../src/scim/messages/scim-error';
import { MOST_NAMES, NAMES_LENGTH, PAGE_SIZE } from '../../src/scim/messages/search-request';
import { MOST_LIST_CHANGES } from '../../src/scim/patch/apply-patch';
import { MOST_OPERATIONS } from '../../src/scim/patch/patch-request';
import { MOST_COMPARISONS } from '../../src/scim/resources/find-page';
import { MOST_RESOURCE_BYTES } from '../../src/scim/resources/representation';
import { codesOf, read, rowsBelow } from './documents';

const DOCUMENT = read('docs/scim.md');
/** Keywords of the RFCs that Scimify never sends. */
const UNUSED_TYPES = ['invalidVers', 'sensitive', 'expiredCursor'];

interface Section {
  rfc: string;
  numbers: string[];
  state: string;
}

/** The rows of the tables of each RFC. */
function sections(): Section[] {
  return DOCUMENT.split(/^### /m).flatMap((part) => {
    const rfc = /^(RFC \d{4}),/.exec(part)?.[1];
    if (rfc === undefined) return [];
    return [...part.matchAll(/^\| ((?:\d[\d.]*(?:, )?)+) ?[^|]*\| ([^|]+?) *\|/gm)].map(
      ([, numbers, state]): Section => ({ rfc, numbers: numbers!.trim().split(', '), state: state! }),
    );
  });
}

/** The entries below the tables that give a reason, as `RFC 7644 3.3`. */
const explained = DOCUMENT.split(/^- \*\*(?=RFC \d{4} [\d.]+\*\*)/m)
  .slice(1)
  .filter((entry) => /\bbecause\b/.test(entry))
  .map((entry) => entry.split('**')[0]!);

describe('docs/scim.md', () => {
  it('calls a section supported, not supported or a deviation, and gives the reason of each of the last two', () => {
    const all = sections();
    expect(all.length).toBeGreaterThan(45);
    expect([...new Set(all.map(({ state }) => state))].sort()).toEqual([
      ...['deviation', 'not supported', 'supported'],
    ]);
    const open = all
      .filter(({ state }) => state !== 'supported')
      .map(({ rfc, numbers }) => `${rfc} ${numbers[0]}`);
    expect(explained).toEqual(open);
  });

  it('tells the limits that hold', () => {
    const limits = rowsBelow(DOCUMENT.replace(/^\| (?=[^`|\s-])/gm, '| `'), /^## (Limits|Bounds)/)
      .map((cells) => cells.join(' ').replaceAll(',', ''))
      .join('\n');
    for (const limit of [
      `${BULK_LIMITS.maxOperations} operations ${BULK_LIMITS.maxPayloadSize / 1024 / 1024} MiB`,
      `operations in one PATCH ${MOST_OPERATIONS};`,
      `changes of multi-valued attributes in one PATCH ${MOST_LIST_CHANGES} `,
      `up to ${PAGE_SIZE.max} ${PAGE_SIZE.default} by default`,
      `filter ${FILTER_LIMITS.length} characters ${FILTER_LIMITS.depth} deep ${FILTER_LIMITS.terms} comparisons`,
      `look-ups by an index ${MOST_COMPARISONS} `,
      `${MOST_NAMES} names and ${NAMES_LENGTH} characters each`,
      `without members and groups ${MOST_RESOURCE_BYTES / 1024} KiB`,
      `address and headers of a request ${MOST_HEADER_BYTES / 1024} KiB 431`,
    ]) {
      expect(limits).toContain(limit);
    }
  });

  it('lists every keyword of an error', () => {
    const [, errors = ''] = DOCUMENT.split(/^## Errors/m);
    const listed = [...errors.matchAll(/^\| \d{3} +\| (`\w+`)/gm)].map(([, type]) => [type!]);
    expect([...new Set(codesOf(listed))].sort()).toEqual(
      SCIM_TYPES.filter((type) => !UNUSED_TYPES.includes(type)).sort(),
    );
  });
});
