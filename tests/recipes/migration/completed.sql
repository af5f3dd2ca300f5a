SELECT id AS event_id, userId AS user, time AS occurred_at, data
FROM rows
WHERE type = 'order.completed'
ORDER BY id
