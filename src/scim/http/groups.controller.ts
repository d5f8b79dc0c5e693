import { Body, Controller, Delete, Get, Headers, Param, Patch, Post, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { v7 as uuid } from 'uuid';
import { ResourceNotFoundError } from '../../directory/directory-errors';
import { type GroupRow, Groups } from '../../directory/groups';
import type { ScimCaller } from '../authentication/scim-authentication';
import { listResponseFrame } from '../messages/list-response';
import { readAttributeLists, readSearchQuery } from '../messages/search-request';
import { applyPatch } from '../patch/apply-patch';
import { memberIds, splitMembership } from '../patch/membership-patch';
import { readPatchRequest } from '../patch/patch-request';
import { findPage } from '../resources/find-page';
import { groupWrite, storedGroup } from '../resources/group-record';
import { GroupResources } from '../resources/group-resources';
import { GroupMembers } from '../resources/members';
import { etagOf, locationOf } from '../resources/representation';
import { Projection } from '../schema/project';
import { readReplacement, readResource } from '../schema/read-resource';
import { GROUP } from '../schema/registry';
import { Caller, assertMatches, resourceId, sendJson } from './exchange';
import { WRITE_OPTIONS } from './write-options';

type QueryParameters = Record<string, unknown>;

/** RFC 7644 §3: Groups. */
@ApiTags('SCIM')
@Controller('scim/v2/:integrationId/Groups')
export class ScimGroupsController {
  constructor(
    private readonly groups: Groups,
    private readonly resources: GroupResources,
    private readonly members: GroupMembers,
  ) {}

  @Post()
  async create(
    @Caller() caller: ScimCaller,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(GROUP, readAttributeLists(query));
    const id = uuid();
    const { resource } = readResource(GROUP, body);
    const members = new Set(memberIds(resource.members));
    const row = await this.groups.create(
      caller.context,
      id,
      groupWrite(id, resource),
      members,
      WRITE_OPTIONS,
    );
    void reply.header('Location', locationOf(caller.baseUrl, GROUP, row.id));
    this.send(reply, 201, caller, row, projection);
  }

  @Get()
  async list(
    @Caller() caller: ScimCaller,
    @Query() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const search = readSearchQuery(query);
    const { baseUrl, context } = caller;
    const source = this.resources.source(context.integrationId, baseUrl);
    const { totalResults, rows } = await findPage(source, search);
    const page = { totalResults, startIndex: search.startIndex, itemsPerPage: rows.length };
    sendJson(reply, 200, this.listText(baseUrl, page, rows, new Projection(GROUP, search)));
  }

  @Get(':id')
  async get(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const row = await this.groups.find(caller.context.integrationId, resourceId('Group', id));
    if (!row) throw new ResourceNotFoundError('Group', id);
    this.send(reply, 200, caller, row, new Projection(GROUP, readAttributeLists(query)));
  }

  @Put(':id')
  async replace(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const groupId = resourceId('Group', id);
    const projection = new Projection(GROUP, readAttributeLists(query));
    const { resource, given } = readResource(GROUP, body);
    const row = await this.groups.change(
      caller.context,
      groupId,
      {
        attributes: (current) => {
          assertMatches(ifMatch, etagOf(current));
          const write = groupWrite(groupId, readReplacement(GROUP, body, storedGroup(current)).resource);
          return write.resource === current.resource ? null : write;
        },
        // A rename that was built from a read without members must not empty the team.
        membership: given.has('members')
          ? { kind: 'exact', members: new Set(memberIds(resource.members)) }
          : undefined,
      },
      WRITE_OPTIONS,
    );
    this.send(reply, 200, caller, row, projection);
  }

  @Patch(':id')
  async modify(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const groupId = resourceId('Group', id);
    const { attributeOperations, steps } = splitMembership(readPatchRequest(GROUP, body));
    const row = await this.groups.change(
      caller.context,
      groupId,
      {
        attributes: (current) => {
          assertMatches(ifMatch, etagOf(current));
          if (attributeOperations.length === 0) return null;
          const { resource, changed } = applyPatch(GROUP, storedGroup(current), attributeOperations);
          return changed ? groupWrite(groupId, resource) : null;
        },
        membership: await this.members.changeOf(caller.baseUrl, groupId, steps),
      },
      WRITE_OPTIONS,
    );
    const lists = readAttributeLists(query);
    if (lists.attributes.length > 0) {
      this.send(reply, 200, caller, row, new Projection(GROUP, lists));
      return;
    }
    // No body of a hundred thousand members for one who was added.
    void reply.status(204).header('ETag', etagOf(row)).send();
  }

  @Delete(':id')
  async delete(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Headers('if-match') ifMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const accept = (current: GroupRow) => assertMatches(ifMatch, etagOf(current));
    await this.groups.delete(caller.context, resourceId('Group', id), accept, WRITE_OPTIONS);
    void reply.status(204).send();
  }

  private send(
    reply: FastifyReply,
    status: number,
    { baseUrl }: ScimCaller,
    row: GroupRow,
    projection: Projection,
  ): void {
    void reply.header('ETag', etagOf(row));
    sendJson(reply, status, this.resources.text(baseUrl, row, projection));
  }

  private async *listText(
    baseUrl: string,
    page: Parameters<typeof listResponseFrame>[0],
    rows: readonly GroupRow[],
    projection: Projection,
  ): AsyncGenerator<string> {
    const { open, close } = listResponseFrame(page);
    yield open;
    for (const [index, row] of rows.entries()) {
      if (index > 0) yield ',';
      yield* this.resources.text(baseUrl, row, projection);
    }
    yield close;
  }
}
