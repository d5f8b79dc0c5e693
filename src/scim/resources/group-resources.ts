import { Injectable } from '@nestjs/common';
import { type GroupRow, Groups } from '../../directory/groups';
import type { ScimObject } from '../schema/json';
import type { Projection } from '../schema/project';
import { GROUP } from '../schema/registry';
import type { ResourceSource } from './find-page';
import { GROUP_COLUMNS, storedGroup } from './group-record';
import { GroupMembers } from './members';
import { metaOf, spliced } from './representation';

/** Groups as SCIM resources: the stored text, `meta`, and the members, which are streamed. */
@Injectable()
export class GroupResources {
  constructor(
    private readonly groups: Groups,
    private readonly members: GroupMembers,
  ) {}

  source(integrationId: string, baseUrl: string): ResourceSource<GroupRow> {
    return {
      integrationId,
      type: GROUP,
      columns: GROUP_COLUMNS,
      count: (where) => this.groups.count(integrationId, where),
      list: (request) => this.groups.list(integrationId, request),
      resources: async (rows, needed) => {
        const resources: ScimObject[] = [];
        for (const row of rows) {
          const members = needed.has('members') ? await this.members.all(baseUrl, row.id) : [];
          resources.push({
            ...storedGroup(row),
            ...(members.length > 0 ? { members } : {}),
            meta: metaOf(baseUrl, GROUP, row),
          });
        }
        return resources;
      },
    };
  }

  /** The JSON text of one group, in pieces: a hundred groups of ten thousand members do not sit in memory. */
  async *text(baseUrl: string, row: GroupRow, projection: Projection): AsyncGenerator<string> {
    const meta = metaOf(baseUrl, GROUP, row);
    const stored = storedGroup(row);
    const frame = projection.isDefault
      ? spliced(row, meta, null)
      : JSON.stringify(projection.project({ ...stored, meta }));
    if (!projection.includes('members')) {
      yield frame;
      return;
    }
    let open = false;
    for await (const members of this.members.of(baseUrl, row.id)) {
      const shown = projection.isDefault
        ? members
        : ((projection.project({ ...stored, members }).members ?? []) as ScimObject[]);
      if (shown.length === 0) continue;
      const list = JSON.stringify(shown).slice(1, -1);
      yield open ? `,${list}` : `${frame.slice(0, -1)},"members":[${list}`;
      open = true;
    }
    yield open ? ']}' : frame;
  }
}
