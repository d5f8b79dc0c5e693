import { Injectable } from '@nestjs/common';
import { Slice } from '../../event-loop/slice';
import { type GroupRow, Groups } from '../../directory/groups';
import type { ScimObject } from '../schema/json';
import type { Projection } from '../schema/project';
import { GROUP } from '../schema/registry';
import { GROUP_COLUMNS, storedGroup } from './group-record';
import { GroupMembers } from './members';
import { metaOf, spliced } from './representation';
import type { ResourceSource, TextPiece } from './resource-source';

/** Groups as SCIM resources: the stored text, `meta`, and the streamed members. */
@Injectable()
export class GroupResources {
  constructor(
    private readonly groups: Groups,
    private readonly members: GroupMembers,
  ) {}

  source(integrationId: string, baseUrl: string): ResourceSource {
    const { groups, members } = this;
    return {
      integrationId,
      type: GROUP,
      columns: GROUP_COLUMNS,
      links: {
        attribute: 'members',
        linkedTo: (userId) => groups.groupIds(integrationId, userId),
        havingAny: (ids) => groups.withMembers(integrationId, ids),
        valuesOf: (groupId) => members.of(integrationId, baseUrl, groupId),
      },
      total: () => groups.count(integrationId),
      keys: (request, wanted) => groups.keys(integrationId, request, wanted),
      keysOf: (ids) => groups.keysOf(integrationId, ids),
      async *resourcesOf(ids) {
        for await (const row of groups.each(integrationId, ids)) {
          yield { id: row.id, resource: { ...storedGroup(row), meta: metaOf(baseUrl, GROUP, row) } };
        }
      },
    };
  }

  /** The JSON text of these groups, without deleted ones. */
  async *texts(
    integrationId: string,
    baseUrl: string,
    ids: readonly string[],
    projection: Projection,
  ): AsyncGenerator<TextPiece> {
    // One slice for all groups: a group of a few hundred members alone never uses up a slice.
    const slice = new Slice();
    for await (const row of this.groups.each(integrationId, ids)) {
      let begins = true;
      for await (const text of this.text(baseUrl, row, projection, slice)) {
        yield { begins, text };
        begins = false;
      }
    }
  }

  /** The JSON text of one group, in pieces, because a hundred groups of ten thousand members need too much memory. */
  async *text(
    baseUrl: string,
    row: GroupRow,
    projection: Projection,
    slice = new Slice(),
  ): AsyncGenerator<string, void> {
    const meta = metaOf(baseUrl, GROUP, row);
    const stored = storedGroup(row);
    const frame = projection.isDefault
      ? spliced(row, meta, null)
      : JSON.stringify(projection.project({ ...stored, meta }));
    if (!projection.includes('members')) {
      yield frame;
      return;
    }
    const beginning = `${frame.slice(0, -1)},"members":[`;
    let isEmpty = true;
    let isOpen = false;
    for await (const members of this.members.of(row.integrationId, baseUrl, row.id)) {
      if (members.length > 0) isEmpty = false;
      const shown = projection.isDefault
        ? members
        : ((projection.project({ ...stored, members }).members ?? []) as ScimObject[]);
      if (shown.length === 0) continue;
      const list = JSON.stringify(shown).slice(1, -1);
      yield isOpen ? `,${list}` : `${beginning}${list}`;
      isOpen = true;
      if (slice.isOver) await slice.next();
    }
    if (isOpen) yield ']}';
    // A client compares with the empty list, so an empty group needs `[]`. A group with hidden members must not
    // show it.
    else yield isEmpty ? `${beginning}]}` : frame;
  }
}
