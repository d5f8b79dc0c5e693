import type { MembershipChange } from '../../directory/groups';
import type { BoundFilter } from '../filter/bind';
import type { ValueFilter } from '../filter/ast';
import { ScimError } from '../messages/scim-error';
import { isObject, type ScimObject, type ScimValue } from '../schema/json';
import { readValue } from '../schema/read-value';
import { MEMBERS } from '../schema/registry';
import type { PatchOperation } from './patch-request';

/** One operation on a group's members, as algebra on a set of ids; in the order of the PATCH. */
export type MembershipStep =
  | { readonly kind: 'add'; readonly userIds: readonly string[] }
  | { readonly kind: 'remove'; readonly userIds: readonly string[] }
  | { readonly kind: 'set'; readonly userIds: readonly string[] }
  | { readonly kind: 'clear' }
  /** A filter that names no ids, to be evaluated on `{value, $ref, type, display}` of each member. */
  | { readonly kind: 'removeWhere'; readonly filter: BoundFilter };

export interface SplitPatch {
  attributeOperations: PatchOperation[];
  steps: MembershipStep[];
}

/**
 * Parts the operations on `members` from the others, which they do not depend on.
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
 * | any | `members` | null, bare string, element without string `value`, `type` other than User | 400 invalidValue |
 * | any | `members.display`, `members[…].display` | – | 400 mutability |
 * | add, replace | `members[…]` | – | 400 mutability |
 *
 * A single object stands for a list of one. Nothing else is understood, and nothing that is not is a change.
 *
 * @throws ScimError 400 invalidValue or mutability
 */
export function splitMembership(operations: readonly PatchOperation[]): SplitPatch {
  const attributeOperations: PatchOperation[] = [];
  const steps: MembershipStep[] = [];
  for (const operation of operations) {
    if (operation.target.attribute !== MEMBERS) attributeOperations.push(operation);
    else steps.push(...stepsOf(operation));
  }
  return { attributeOperations, steps };
}

/**
 * The ids in a `members` value, each once: of a canonical group that `readResource` gave, or undefined for none.
 */
export function memberIds(members: ScimValue | undefined): string[] {
  return [...new Set(((members ?? []) as ScimObject[]).map((member) => member.value as string))];
}

/**
 * The normal form of the steps: their order no longer matters, and no id is both added and removed.
 *
 * @returns null where a `removeWhere` makes it depend on who the members are
 */
export function collapse(steps: readonly MembershipStep[]): MembershipChange | null {
  let exact = false;
  let add = new Set<string>();
  const remove = new Set<string>();
  for (const step of steps) {
    switch (step.kind) {
      case 'add':
        for (const id of step.userIds) {
          add.add(id);
          remove.delete(id);
        }
        break;
      case 'remove':
        for (const id of step.userIds) {
          add.delete(id);
          remove.add(id);
        }
        break;
      case 'set':
      case 'clear':
        exact = true;
        add = new Set(step.kind === 'set' ? step.userIds : []);
        break;
      case 'removeWhere':
        return null;
    }
  }
  return exact ? { kind: 'exact', members: add } : { kind: 'delta', add, remove };
}

function stepsOf(operation: PatchOperation): MembershipStep[] {
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
  const userIds = readMemberIds(operation.value);
  if (operation.op === 'replace') return [{ kind: 'set', userIds }];
  return userIds.length === 0 ? [] : [{ kind: operation.op, userIds }];
}

/** @throws ScimError 400 invalidValue */
function readMemberIds(json: unknown): string[] {
  if (json === null) {
    throw ScimError.invalidValue('"members" is null; send a list of members, or [] for none.');
  }
  const list: unknown[] = Array.isArray(json) ? json : [json];
  if (!list.every(isObject)) {
    throw ScimError.invalidValue(
      'Each entry of "members" must be an object such as {"value": "id of a user"}.',
    );
  }
  return memberIds(readValue(MEMBERS, list));
}

/** The ids of `value eq "x"` and of several of these joined by `or`; null for any other filter. */
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
