// From the documentation of 群組GM, as it stands: answer 500 to be sent it again
app.post('/webhook', async (req, res) => {
try {
await processEvent(req.body);
res.status(200).send('OK');
} catch (error) {
console.error('Webhook error:', error);
// 回傳 500 會觸發重試
res.status(500).send('Error');
}
});
