/** How often what a request tells of has been through a trigger; on deliveries and on the requests of flows. */
export const HOPS_HEADER = 'Grapnel-Hops';

/** Through so many triggers nothing sensible goes: a webhook or a flow calls the trigger that it comes from. */
export const MAX_HOPS = 8;

/** What a caller's header says; a caller that is none of ours says nothing. */
export const hopsOf = (header: string | undefined): number => (/^\d{1,9}$/.test(header ?? '') ? Number(header) : 0);
