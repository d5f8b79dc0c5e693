import { ApiProperty } from '@nestjs/swagger';

class QuotaUse {
  @ApiProperty({ description: 'How many there may be' }) limit: number;
  @ApiProperty({ description: 'How many there are' }) used: number;
}

/** How much of its quotas an integration uses. */
export class QuotaUseView {
  @ApiProperty({ type: QuotaUse, description: 'Of the whole tenant' }) users: QuotaUse;
  @ApiProperty({ type: QuotaUse, description: 'Of the whole tenant' }) groups: QuotaUse;
  @ApiProperty({ type: QuotaUse, description: 'Of the whole tenant' }) memberships: QuotaUse;
  @ApiProperty({ type: QuotaUse, description: 'Live ones of this integration' }) scimKeys: QuotaUse;
}
