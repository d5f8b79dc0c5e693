import { ApiProperty } from '@nestjs/swagger';

class QuotaUse {
  @ApiProperty({ description: 'The maximum' }) limit: number;
  @ApiProperty({ description: 'The current number' }) used: number;
}

/** How much of its quotas an integration uses. */
export class QuotaUseView {
  @ApiProperty({ type: QuotaUse, description: 'Of the whole tenant' }) users: QuotaUse;
  @ApiProperty({ type: QuotaUse, description: 'Of the whole tenant' }) groups: QuotaUse;
  @ApiProperty({ type: QuotaUse, description: 'Of the whole tenant' }) memberships: QuotaUse;
  @ApiProperty({ type: QuotaUse, description: 'Valid SCIM keys of this integration' }) scimKeys: QuotaUse;
}
