/** How busy this process was since the last call, or since its start: 0 when it only waited, 1 when it never did. */
export type Busyness = () => number;

/** As the event loop measures it, which takes waiting for the CPU for work. */
export function eventLoopBusyness(): Busyness {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
