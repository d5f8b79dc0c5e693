import { atOnce } from '../../event-loop/slice';
import { readMemberIds, splitMembers } from './read-members';

const idsIn = (json: unknown) => atOnce(readMemberIds(json));

describe('the members of a group', () => {
  it('are read separately from the other attributes, in any spelling of their name', () => {
    expect(splitMembers({ displayName: 'x', Members: [{ value: 'a' }] })).toEqual({
      attributes: { displayName: 'x' },
      members: [{ value: 'a' }],
    });
  });

  it.each([
    ['absent', {}],
    ['null', { members: null }],
  ])('are undefined if they are %s', (_, body) => {
    expect(splitMembers(body).members).toBeUndefined();
  });

  it('may be an empty list, which differs from no members', () => {
    expect(splitMembers({ members: [] }).members).toEqual([]);
    expect(idsIn([])).toEqual([]);
  });

  it('are refused if they are given twice', () => {
    expect(() => splitMembers({ members: [], MEMBERS: [] })).toThrow(/given twice/);
  });

  it('count once each, and a single object means a list of one', () => {
    expect(idsIn([{ value: 'a' }, { value: 'a', type: 'User' }, { value: 'b' }])).toEqual(['a', 'b']);
    expect(idsIn({ value: 'a' })).toEqual(['a']);
  });

  it.each([
    ['a bare id', ['a']],
    ['null', [null]],
    ['no id', [{ display: 'Ada' }]],
    ['a group', [{ value: 'a', type: 'Group' }]],
    ['U+0000 in a part that is ignored', [{ value: 'a', display: '\u0000' }]],
    ['a long run of combining marks', [{ value: 'a', display: 'a'.padEnd(40, '\u0315') }]],
  ])('are refused if one is %s', (_, members) => {
    expect(() => idsIn(members)).toThrow(
      expect.objectContaining({ status: 400, scimType: 'invalidValue' }) as Error,
    );
  });

  it('are refused above the limit of one request', () => {
    const members = Array.from({ length: 200_001 }, (_, n) => ({ value: String(n) }));
    expect(() => idsIn(members)).toThrow(expect.objectContaining({ status: 413 }) as Error);
  });
});
