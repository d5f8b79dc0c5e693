import { Slice } from '../../event-loop/slice';
import type { KeyRow } from '../../directory/key-slice';
import { isResourceId } from '../../directory/resource-id';
import type { BoundFilter } from '../filter/bind';
import { type KnownValues, type Leaf, columnOf, decide, leavesOf, lookUpOf } from '../filter/columns';
import { matches } from '../filter/evaluate';
import { mentionedIn } from '../filter/mentioned';
import { ScimError } from '../messages/scim-error';
import type { ScimObject } from '../schema/json';
import type { ResourceSource } from './resource-source';

const MOST_RESOURCES = 100_000;
const MOST_LINKED_IDS = 300_000;
const MOST_MS = 2_000;
const LOOKED_UP_AT_ONCE = 100;
/** Rows between two checks of the budget. */
const STEP = 50;

/** An error, not a shorter list: the client would create the resources that it does not see. */
function tooMany(): ScimError {
  return ScimError.tooMany(
    'The search must read too many resources; filter and sort by userName, displayName, externalId, id or meta.',
  );
}

/** Counts what a search reads, lets other requests run, and stops a search above its limit. */
export class ScanBudget {
  private readonly slice = new Slice();
  private resources = 0;

  /** @throws ScimError 400 tooMany */
  async spend(resources = 0): Promise<void> {
    this.resources += resources;
    if (this.resources > MOST_RESOURCES || this.slice.busyMs > MOST_MS) throw tooMany();
    await this.rest();
  }

  /** Lets other requests run, without a check of the limit. */
  async rest(): Promise<void> {
    if (this.slice.isOver) await this.slice.next();
  }
}

/** Finds the resources that match a filter: by columns and links if possible, otherwise by reading the resource. */
export class Matcher {
  private readonly links = new Map<string, ReadonlySet<string>>();
  /** The parts of the filter about links; `anyLeaves` only ask whether there is any link. */
  private readonly linkLeaves: readonly Leaf[];
  private readonly anyLeaves: ReadonlySet<Leaf>;

  private constructor(
    private readonly source: ResourceSource,
    private readonly filter: BoundFilter,
    private readonly budget: ScanBudget,
  ) {
    const leaves = [...leavesOf(filter)];
    this.linkLeaves = leaves.filter((leaf) => mentionedIn(leaf).has(source.links.attribute));
    this.anyLeaves = new Set(
      this.linkLeaves.filter(
        (leaf) =>
          (leaf.kind === 'present' || (leaf.kind === 'compare' && leaf.value === null)) &&
          columnOf(leaf.steps, source.columns)?.kind === 'link',
      ),
    );
  }

  /** @throws ScimError 400 tooMany */
  static async prepare(source: ResourceSource, filter: BoundFilter, budget: ScanBudget): Promise<Matcher> {
    const matcher = new Matcher(source, filter, budget);
    await matcher.readLinks();
    return matcher;
  }

  /** The ids that are linked to an id in the filter. */
  linkedTo(otherId: string): ReadonlySet<string> {
    return this.links.get(otherId) ?? new Set();
  }

  /** The matching rows, in their order. @throws ScimError 400 tooMany */
  async matching(rows: readonly KeyRow[]): Promise<KeyRow[]> {
    const linked = this.anyLeaves.size > 0 ? await this.linkedAmong(rows) : null;
    const verdicts = new Map<string, boolean | null>();
    for (const [index, row] of rows.entries()) {
      verdicts.set(row.id, decide(this.filter, this.source.columns, this.known(row, linked)));
      if (index % STEP === 0) await this.budget.spend();
    }
    const open = rows.filter(({ id }) => verdicts.get(id) === null).map(({ id }) => id);
    for await (const { id, resource } of this.source.resourcesOf(open)) {
      verdicts.set(id, await this.matches(id, resource));
    }
    return rows.filter(({ id }) => verdicts.get(id) === true);
  }

  private known(row: KeyRow, linked: ReadonlySet<string> | null): KnownValues {
    return {
      valueOf: (column) => row[column] ?? null,
      isLinkedTo: (id) => this.linkedTo(id).has(row.id),
      isLinked: () => linked && linked.has(row.id),
    };
  }

  private async linkedAmong(rows: readonly KeyRow[]): Promise<ReadonlySet<string>> {
    const linked = new Set<string>();
    for (let start = 0; start < rows.length; start += LOOKED_UP_AT_ONCE) {
      const ids = rows.slice(start, start + LOOKED_UP_AT_ONCE).map(({ id }) => id);
      for (const id of await this.source.links.havingAny(ids)) linked.add(id);
      await this.budget.spend();
    }
    return linked;
  }

  private async matches(id: string, resource: ScimObject): Promise<boolean> {
    await this.budget.spend(1);
    const known = this.linkLeaves.length > 0 ? await this.linkAnswers(id) : undefined;
    return matches(this.filter, resource, known);
  }

  /** A filter on links matches if any link matches. Links are read in slices, never all at once. */
  private async linkAnswers(id: string): Promise<Map<BoundFilter, boolean>> {
    const { attribute } = this.source.links;
    const answers = new Map<BoundFilter, boolean>();
    let open: Leaf[] = [];
    for (const leaf of this.linkLeaves) {
      const lookUp = lookUpOf(leaf, this.source.columns);
      if (lookUp?.column.kind === 'link') answers.set(leaf, this.linkedTo(lookUp.value).has(id));
      else open.push(leaf);
    }
    if (open.length === 0) return answers;
    let isEmpty = true;
    for await (const values of this.source.links.valuesOf(id)) {
      isEmpty = false;
      const still: Leaf[] = [];
      for (const leaf of open) {
        const answer = matches(leaf, { [attribute]: values });
        if (answer || this.anyLeaves.has(leaf)) answers.set(leaf, answer);
        else still.push(leaf);
        await this.budget.spend();
      }
      open = still;
      await this.budget.spend(values.length);
      if (open.length === 0) break;
    }
    for (const leaf of open) answers.set(leaf, isEmpty && matches(leaf, {}));
    return answers;
  }

  private async readLinks(): Promise<void> {
    let total = 0;
    for (const leaf of this.linkLeaves) {
      const lookUp = lookUpOf(leaf, this.source.columns);
      if (lookUp?.column.kind !== 'link' || this.links.has(lookUp.value)) continue;
      const ids = new Set<string>();
      this.links.set(lookUp.value, ids);
      if (!isResourceId(lookUp.value)) continue;
      for await (const some of this.source.links.linkedTo(lookUp.value)) {
        for (const id of some) ids.add(id);
        total += some.length;
        if (total > MOST_LINKED_IDS) throw tooMany();
        await this.budget.spend();
      }
    }
  }
}
