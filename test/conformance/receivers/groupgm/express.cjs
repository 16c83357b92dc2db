// From the documentation of 群組GM, as it stands: Express.js
// Express.js 範例
const express = require('express');
const app = express();
app.use(express.json());
app.post('/webhook', (req, res) => {
const event = req.body;
console.log('收到事件:', event.event);
// 處理事件...
res.status(200).send('OK');
});
app.listen(3000);
