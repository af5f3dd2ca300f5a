SELECT customer AS user, placed_on AS day, count(*) AS orders, sum(amount) AS total
FROM orders
WHERE placed_on = CAST($day AS DATE)
GROUP BY customer, placed_on
ORDER BY customer
