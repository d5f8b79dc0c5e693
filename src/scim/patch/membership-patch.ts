import type { MembershipChange } from '../../directory/groups';
import type { BoundFilter } from '../filter/bind';
import { matches } from '../filter/evaluate';
import type { ValueFilter } from '../filter/ast';
import { ScimError } from '../messages/scim-error';
import type { ScimObject } from '../schema/json';
import { readMemberIds } from '../schema/read-members';
import { MEMBERS } from '../schema/registry';
import type { PatchOperation } from './patch-request';

/** Operations that select members by a filter without ids: each visits every member. */
export const MOST_MEMBER_SELECTIONS = 20;
/** Ids between two points where other requests may run. */
const STEP = 1_000;

/** One operation on the members of a group, as a set operation on ids. The steps keep the order of the PATCH. */
export type MembershipStep =
  | { readonly kind: 'add'; readonly userIds: readonly string[] }
  | { readonly kind: 'remove'; readonly userIds: readonly string[] }
  | { readonly kind: 'set'; readonly userIds: readonly string[] }
  | { readonly kind: 'clear' }
  /** A filter without ids. It is evaluated on `{value, $ref, type, display}` of each member. */
  | { readonly kind: 'removeWhere'; readonly filter: BoundFilter };

export interface SplitPatch {
  attributeOperations: PatchOperation[];
  steps: MembershipStep[];
}

/**
 * Separates the operations on `members` from the others. They do not depend on each other.
 *
 * | operation | path | value | step |
 * |---|---|---|---|
 * | add | `members` | list | add |
 * | replace | `members` | list, `[]` included | set |
 * | remove | `members` | none | clear (RFC 7644 §3.5.2.2) |
 * | remove | `members` | list | remove those (Entra) |
 * | add, remove | `members` | `[]` | none |
 * | remove | `members[value eq "x"]`, or several by `or` | – | remove those |
 * | remove | `members[any other filter]` | – | removeWhere |
 * | any | `members` | null, bare string, element without string `value`, `type` Group | 400 invalidValue |
 * | any | `members.display`, `members[…].display` | – | 400 mutability |
 * | add, replace | `members[…]` | – | 400 mutability |
 *
 * A single object means a list of one. Every other form is refused, so it never changes the members.
 *
 * @throws ScimError 400 invalidValue or mutability; 413 for too many filters without ids
 */
export function* splitMembership(operations: readonly PatchOperation[]): Generator<void, SplitPatch> {
  const attributeOperations: PatchOperation[] = [];
  const steps: MembershipStep[] = [];
  for (const operation of operations) {
    if (operation.target.attribute !== MEMBERS) attributeOperations.push(operation);
    else steps.push(...(yield* stepsOf(operation)));
    yield;
  }
  const selections = steps.filter(({ kind }) => kind === 'removeWhere').length;
  if (selections > MOST_MEMBER_SELECTIONS) {
    throw ScimError.tooLarge(
      `The PATCH selects members by a filter ${selections} times, but at most ${MOST_MEMBER_SELECTIONS} times are allowed; name the members by their ids, or split the PATCH into several requests.`,
    );
  }
  return { attributeOperations, steps };
}

/**
 * Merges the steps into one change in which order does not matter. No id is both added and removed.
 *
 * @returns null if a `removeWhere` makes the change depend on the current members
 */
export function* collapse(steps: readonly MembershipStep[]): Generator<void, MembershipChange | null> {
  let exact = false;
  let add = new Set<string>();
  const remove = new Set<string>();
  for (const step of steps) {
    switch (step.kind) {
      case 'add':
        yield* each(step.userIds, (id) => {
          add.add(id);
          remove.delete(id);
        });
        break;
      case 'remove':
        yield* each(step.userIds, (id) => {
          add.delete(id);
          remove.add(id);
        });
        break;
      case 'set':
      case 'clear':
        exact = true;
        add = yield* setOf(step.kind === 'set' ? step.userIds : []);
        break;
      case 'removeWhere':
        return null;
    }
  }
  return exact ? { kind: 'exact', members: add } : { kind: 'delta', add, remove };
}

/** Applies the steps to one member at a time. The result for one member does not depend on the others. */
export class MembershipEffect {
  private readonly seen = new Set<string>();
  private readonly added = new Set<string>();
  private readonly removed = new Set<string>();
  private readonly present = new Set<string>();

  private constructor(
    private readonly steps: readonly { step: MembershipStep; ids: ReadonlySet<string> }[],
    /** Ids that some step adds. */
    private readonly named: ReadonlySet<string>,
  ) {}

  static *of(steps: readonly MembershipStep[]): Generator<void, MembershipEffect> {
    const prepared: { step: MembershipStep; ids: ReadonlySet<string> }[] = [];
    const named = new Set<string>();
    for (const step of steps) {
      const ids = 'userIds' in step ? step.userIds : [];
      prepared.push({ step, ids: yield* setOf(ids) });
      if (step.kind === 'add' || step.kind === 'set') yield* each(ids, (id) => named.add(id));
    }
    return new MembershipEffect(prepared, named);
  }

  /** Ids that a step adds and that `applyTo` has not seen yet. */
  *unseenAdditions(): Generator<void, string[]> {
    const ids: string[] = [];
    yield* each([...this.named], (id) => {
      if (!this.seen.has(id)) ids.push(id);
    });
    return ids;
  }

  /** @param member `{value, $ref, type, display}` */
  applyTo(member: ScimObject, isMember: boolean): void {
    const id = member.value as string;
    this.seen.add(id);
    const stays = this.steps.reduce((present, { step, ids }) => {
      switch (step.kind) {
        case 'add':
          return present || ids.has(id);
        case 'remove':
          return present && !ids.has(id);
        case 'set':
          return ids.has(id);
        case 'clear':
          return false;
        case 'removeWhere':
          return present && !matches(step.filter, member);
      }
    }, isMember);
    if (stays) this.present.add(id);
    if (stays && !isMember) this.added.add(id);
    if (!stays && isMember) this.removed.add(id);
  }

  /** The resulting change, after `applyTo` has seen every id. */
  change(): MembershipChange {
    // After `set` or `clear` the list is exact. It also removes members that another request adds meanwhile.
    const exact = this.steps.some(({ step }) => step.kind === 'set' || step.kind === 'clear');
    return exact
      ? { kind: 'exact', members: this.present }
      : { kind: 'delta', add: this.added, remove: this.removed };
  }
}

function* each(ids: readonly string[], action: (id: string) => void): Generator<void> {
  for (let start = 0; start < ids.length; start += STEP) {
    for (const id of ids.slice(start, start + STEP)) action(id);
    yield;
  }
}

function* setOf(ids: readonly string[]): Generator<void, Set<string>> {
  const set = new Set<string>();
  yield* each(ids, (id) => set.add(id));
  return set;
}

function* stepsOf(operation: PatchOperation): Generator<void, MembershipStep[]> {
  const { selection, sub } = operation.target;
  if (sub !== null || (selection !== null && operation.op !== 'remove')) {
    throw ScimError.mutability(
      'The attributes of a member cannot be changed; add or remove the member itself.',
    );
  }
  if (selection !== null) {
    const ids = idsNamedBy(selection.written);
    return ids === null
      ? [{ kind: 'removeWhere', filter: selection.filter }]
      : [{ kind: 'remove', userIds: ids }];
  }
  if (operation.op === 'remove' && operation.value === undefined) return [{ kind: 'clear' }];
  const userIds = yield* readMemberIds(operation.value);
  if (operation.op === 'replace') return [{ kind: 'set', userIds }];
  return userIds.length === 0 ? [] : [{ kind: operation.op, userIds }];
}

/** The ids in `value eq "x"`, or in several of these joined by `or`; null for any other filter. */
function idsNamedBy(filter: ValueFilter): string[] | null {
  if (filter.kind === 'or') {
    const ids = filter.terms.map(idsNamedBy);
    return ids.every((some) => some !== null) ? ids.flat() : null;
  }
  const isId =
    filter.kind === 'compare' &&
    filter.operator === 'eq' &&
    filter.path.urn === null &&
    filter.path.sub === null &&
    filter.path.name.toLowerCase() === 'value';
  return isId && typeof filter.value === 'string' ? [filter.value] : null;
}
