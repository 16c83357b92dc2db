// From the documentation of 群組GM, as it stands: be idempotent
const processedEvents = new Set();
function handleEvent(event) {
const eventId = `${event.event}-${event.data.messageId || event.timestamp}`;
if (processedEvents.has(eventId)) {
return; // 已處理過
}
processedEvents.add(eventId);
// 處理事件...
}
