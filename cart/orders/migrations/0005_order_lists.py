from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0004_packing_desk'),
    ]

    operations = [
        migrations.AlterField(
            model_name='order',
            name='standing',
            field=models.CharField(
                choices=[
                    ('known', 'paid before'),
                    ('fresh', 'never paid before'),
                    ('slow', 'never paid, in the slow lane'),
                ],
                default='fresh',
                editable=False,
                help_text='Whose limits the checkout used.',
                max_length=5,
            ),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['created_at'], name='orders_order_created'),
        ),
    ]
