// From the documentation of 群組GM, as it stands: answer first
app.post('/webhook', async (req, res) => {
// 立即回應
res.status(200).send('OK');
// 非同步處理
processEventAsync(req.body).catch(console.error);
});
