import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ResourceNotFoundError } from '../../directory/directory-errors';
import { type GroupRow, Groups } from '../../directory/groups';
import type { ScimCaller } from '../authentication/scim-authentication';
import { listResponseText } from '../messages/list-response';
import {
  type SearchRequest,
  readAttributeLists,
  readSearchBody,
  readSearchQuery,
} from '../messages/search-request';
import { GroupOperations } from '../operations/group-operations';
import { namesEtag, resourceId } from '../operations/preconditions';
import type { WriteConditions } from '../operations/resource-operations';
import { Cursors } from '../resources/cursors';
import { findPage } from '../resources/find-page';
import { GroupResources } from '../resources/group-resources';
import { etagOf, locationOf } from '../resources/representation';
import { Projection } from '../schema/project';
import { GROUP } from '../schema/registry';
import { Caller, Conditions, type QueryParameters, sendPieces } from './exchange';
import { SearchParameters } from './search-parameters';

/** RFC 7644 §3: Groups. */
@ApiTags('SCIM')
@Controller('scim/v2/:integrationId/Groups')
export class ScimGroupsController {
  constructor(
    private readonly groups: Groups,
    private readonly operations: GroupOperations,
    private readonly resources: GroupResources,
    private readonly cursors: Cursors,
  ) {}

  @Post()
  async create(
    @Caller() caller: ScimCaller,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(GROUP, readAttributeLists(query));
    const row = await this.operations.create(caller, body);
    await this.send(reply, 201, caller, row, projection);
  }

  @Get()
  list(
    @Caller() caller: ScimCaller,
    @SearchParameters() query: QueryParameters,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.search(caller, readSearchQuery(query), reply);
  }

  @Post('.search')
  @HttpCode(200)
  searchByPost(
    @Caller() caller: ScimCaller,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.search(caller, readSearchBody(body), reply);
  }

  @Get(':id')
  async get(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(GROUP, readAttributeLists(query));
    const row = await this.groups.find(caller.context.integrationId, resourceId('Group', id));
    if (!row) throw new ResourceNotFoundError('Group', id);
    // The `display` of a member can change while the version of the group stays.
    if (ifNoneMatch !== undefined && !projection.includes('members') && namesEtag(ifNoneMatch, etagOf(row))) {
      void reply.status(304).header('ETag', etagOf(row)).send();
      return;
    }
    await this.send(reply, 200, caller, row, projection);
  }

  @Put(':id')
  async replace(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Conditions() conditions: WriteConditions,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(GROUP, readAttributeLists(query));
    const row = await this.operations.replace(caller, id, body, conditions);
    await this.send(reply, 200, caller, row, projection);
  }

  @Patch(':id')
  async modify(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Query() query: QueryParameters,
    @Body() body: unknown,
    @Conditions() conditions: WriteConditions,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const lists = readAttributeLists(query);
    const row = await this.operations.modify(caller, id, body, conditions);
    if (lists.attributes.length > 0) {
      await this.send(reply, 200, caller, row, new Projection(GROUP, lists));
      return;
    }
    // No body: a PATCH that adds one member must not return a hundred thousand.
    void reply.status(204).header('ETag', etagOf(row)).send();
  }

  @Delete(':id')
  async delete(
    @Caller() caller: ScimCaller,
    @Param('id') id: string,
    @Conditions() conditions: WriteConditions,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.operations.delete(caller, id, conditions);
    void reply.status(204).send();
  }

  private async search(
    { context, baseUrl }: ScimCaller,
    search: SearchRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const projection = new Projection(GROUP, search);
    const { integrationId } = context;
    const { ids, ...page } = await findPage(
      this.resources.source(integrationId, baseUrl),
      search,
      this.cursors,
    );
    const pieces = this.resources.texts(integrationId, baseUrl, ids, projection);
    await sendPieces(reply, 200, listResponseText(page, pieces));
  }

  private send(
    reply: FastifyReply,
    status: number,
    { baseUrl }: ScimCaller,
    row: GroupRow,
    projection: Projection,
  ): Promise<void> {
    void reply.header('ETag', etagOf(row)).header('Location', locationOf(baseUrl, GROUP, row.id));
    return sendPieces(reply, status, this.resources.text(baseUrl, row, projection));
  }
}
